package cli

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// Completion is the command "completion".
type Completion struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"${enum}. bash: source <(datapusher completion bash); zsh: the same with zsh; fish: datapusher completion fish | source."`
}

// The scripts ask the program itself what fits, with the words so far.
var scripts = map[string]string{
	"bash": `_%[1]s() { mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null); }
complete -o default -F _%[1]s %[1]s
`,
	"zsh": `_%[1]s() { local -a all; all=("${(@f)$("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"); compadd -a all; }
compdef _%[1]s %[1]s
`,
	"fish": `complete -c %[1]s -f -a '(set -l words (commandline -opc) (commandline -ct); $words[1] __complete -- $words[2..] 2>/dev/null)'
`,
}

// Run prints the script.
func (c *Completion) Run(t *Terminal, k *kong.Kong) error {
	_, err := fmt.Fprintf(t.Out, scripts[c.Shell], k.Model.Name)
	return err
}

// Complete answers the shell.
type Complete struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

// Run prints what fits the last word.
func (c *Complete) Run(t *Terminal, k *kong.Kong) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	for _, one := range fitting(k.Model.Node, words) {
		fmt.Fprintln(t.Out, one)
	}
	return nil
}

// fitting are the commands, flags or values that may stand in the place of the
// last word.
func fitting(node *kong.Node, words []string) []string {
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	var before *kong.Flag // the flag whose value is the next word
	for _, w := range words[:len(words)-1] {
		if before != nil {
			before = nil
			continue
		}
		if name, ok := strings.CutPrefix(w, "--"); ok {
			if f := flagOf(node, name); f != nil && !f.IsBool() {
				before = f
			}
			continue
		}
		for _, child := range node.Children {
			if child.Name == w {
				node = child
				break
			}
		}
	}
	var all []string
	switch {
	case before != nil:
		all = before.EnumSlice()
	case strings.HasPrefix(last, "-"):
		for _, group := range node.AllFlags(true) {
			for _, f := range group {
				all = append(all, "--"+f.Name)
			}
		}
	default:
		for _, child := range node.Children {
			if !child.Hidden {
				all = append(all, child.Name)
			}
		}
	}
	var fit []string
	for _, one := range all {
		if one != "" && strings.HasPrefix(one, last) {
			fit = append(fit, one)
		}
	}
	return fit
}

func flagOf(node *kong.Node, name string) *kong.Flag {
	for _, group := range node.AllFlags(false) {
		for _, f := range group {
			if f.Name == name {
				return f
			}
		}
	}
	return nil
}
