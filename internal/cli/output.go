package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/goccy/go-yaml"
)

// Output is how a command prints what it has made or found.
type Output struct {
	Output string `short:"o" enum:"table,json,yaml" default:"table" help:"Form of the result: ${enum}. json and yaml have the names of the GraphQL schema."`
}

// column is one of a table: its head, and where its value is in the object.
type column struct{ head, path string }

// one prints a single object: as a table, a line for each column.
func (o Output) one(t *Terminal, object json.RawMessage, columns []column) error {
	switch o.Output {
	case "json":
		return writeJSON(t.Out, object)
	case "yaml":
		return writeYAML(t.Out, object)
	}
	fields, err := decode(object)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
	for _, c := range columns {
		if v := value(fields, c.path); v != "" {
			fmt.Fprintf(w, "%s\t%s\n", c.head, v)
		}
	}
	return w.Flush()
}

// table prints objects as they come, page after page.
type table struct {
	out     Output
	t       *Terminal
	columns []column
	w       *tabwriter.Writer
	n       int
}

func (o Output) table(t *Terminal, columns []column) *table {
	l := &table{out: o, t: t, columns: columns}
	if o.Output == "table" {
		l.w = tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
		heads := make([]string, len(columns))
		for i, c := range columns {
			heads[i] = strings.ToUpper(c.head)
		}
		fmt.Fprintln(l.w, strings.Join(heads, "\t"))
	}
	return l
}

func (l *table) add(object json.RawMessage) error {
	l.n++
	switch l.out.Output {
	case "json":
		separator := ",\n"
		if l.n == 1 {
			separator = "[\n"
		}
		var b bytes.Buffer
		if err := json.Indent(&b, object, "  ", "  "); err != nil {
			return err
		}
		_, err := fmt.Fprintf(l.t.Out, "%s  %s", separator, b.Bytes())
		return err
	case "yaml":
		return writeYAML(l.t.Out, []byte("["+string(object)+"]"))
	}
	fields, err := decode(object)
	if err != nil {
		return err
	}
	cells := make([]string, len(l.columns))
	for i, c := range l.columns {
		cells[i] = value(fields, c.path)
	}
	_, err = fmt.Fprintln(l.w, strings.Join(cells, "\t"))
	return err
}

// end finishes the table. Where it is empty, a person is told so.
func (l *table) end(nothing string) error {
	switch l.out.Output {
	case "json":
		end := "\n]\n"
		if l.n == 0 {
			end = "[]\n"
		}
		_, err := io.WriteString(l.t.Out, end)
		return err
	case "yaml":
		if l.n == 0 {
			_, err := io.WriteString(l.t.Out, "[]\n")
			return err
		}
		return nil
	}
	if l.n == 0 {
		l.t.note("%s", nothing)
		return nil
	}
	return l.w.Flush()
}

func writeJSON(w io.Writer, object json.RawMessage) error {
	var b bytes.Buffer
	if err := json.Indent(&b, object, "", "  "); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err := w.Write(b.Bytes())
	return err
}

func writeYAML(w io.Writer, object json.RawMessage) error {
	text, err := yaml.JSONToYAML(object)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// decode keeps numbers as they were written.
func decode(object json.RawMessage) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	var fields map[string]any
	err := d.Decode(&fields)
	return fields, err
}

// value is what a table shows of a member, named by the members on the way to it:
// "destination.name". Null shows nothing. What is not printable does not reach the
// terminal, which it might steer.
func value(fields map[string]any, path string) string {
	var v any = fields
	for name := range strings.SplitSeq(path, ".") {
		in, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		v = in[name]
	}
	return plain(text(v))
}

func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i, one := range v {
			parts[i] = text(one)
		}
		return strings.Join(parts, " ")
	case map[string]any:
		if name, ok := v["name"]; ok { // a header
			return text(name) + ": " + text(v["value"])
		}
	}
	return fmt.Sprint(v)
}

// plain is a text in one line that does nothing to a terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' {
			return ' '
		}
		if !strconv.IsPrint(r) {
			return '�'
		}
		return r
	}, s)
}
