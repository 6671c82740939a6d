package graph

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// The parser, validation and gqlgen's conversions write their messages for
// people at their own keyboards: they quote what was sent. Answers end in logs and
// on screens that others see, so here a message says what is wrong, and where, and
// quotes names alone: of fields, arguments, types, fragments and variables. It
// never quotes a value, be it a literal of the document or one of the variables.

const (
	maxMessage = 300 // bytes
	maxName    = 64  // bytes of a name in the path to a variable's value
	maxErrors  = 20  // of one operation
)

// told is the text of an error that gqlgen or gqlparser has made.
func told(e *gqlerror.Error) string {
	var text string
	switch {
	case e.Rule != "":
		text = ofValidation(e)
	case inVariable(e.Path):
		text = ofVariable(e.Message)
	case len(e.Path) > 0:
		text = "an argument does not fit its type"
		if of := enumOf(e.Message); of != "" {
			text = "an argument is not a valid " + of
		}
	case len(e.Locations) > 0:
		text = ofSyntax(e.Message)
	default:
		text = ofRequest(e.Message)
	}
	if len(text) <= maxMessage {
		return text
	}
	cut := maxMessage
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

var (
	noSuchEnumValue = regexp.MustCompile(`^Value "\w*" does not exist`)
	beforeValue     = regexp.MustCompile(`^(.*?)(?:( value): |, found )`)
)

// ofValidation takes the value out of a message of the one rule that quotes values.
// What stands before the value is the schema's, so that the first match counts.
func ofValidation(e *gqlerror.Error) string {
	text := e.Message
	if !strings.HasPrefix(e.Rule, "ValuesOfCorrectType") || strings.HasPrefix(text, `Field "`) || strings.HasPrefix(text, `OneOf Input Object "`) {
		return text
	}
	if noSuchEnumValue.MatchString(text) {
		return noSuchEnumValue.ReplaceAllString(text, "The value does not exist")
	}
	if kept := beforeValue.FindStringSubmatch(text); kept != nil {
		return kept[1] + kept[2]
	}
	return "A value does not fit its type"
}

func inVariable(path ast.Path) bool {
	return len(path) > 0 && path[0] == ast.PathName("variable")
}

// ofVariable lets those messages through that quote nothing; the path tells where.
func ofVariable(text string) string {
	if of := enumOf(text); of != "" {
		return "not a valid " + of
	}
	switch {
	case text == "must be defined", text == "cannot be null", text == "unknown field", text == "enums must be ints or strings",
		strings.HasPrefix(text, "must be a "), kindAsType.MatchString(text):
		return text
	}
	return "the value does not fit its type"
}

var (
	kindAsType = regexp.MustCompile(`^cannot use [a-z0-9]+ as \w+$`)
	endOfEnum  = regexp.MustCompile(` is not a valid (\w+)$`)
)

// enumOf is the enum that a message is about; "" if it is about something else.
func enumOf(text string) string {
	if found := endOfEnum.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return ""
}

var (
	metToken = regexp.MustCompile(`(?s)(Unexpected|found) (\w+) ".*$`)
	escape   = regexp.MustCompile(`(?s)(escape sequence): .*$`)
)

// ofSyntax keeps the kind of the token that the parser has met.
func ofSyntax(text string) string {
	return escape.ReplaceAllString(metToken.ReplaceAllString(text, "$1 $2"), "$1")
}

// ofRequest is for what is wrong with none of the parts above.
func ofRequest(text string) string {
	switch {
	case strings.HasPrefix(text, "operation ") && strings.HasSuffix(text, " not found"):
		return "the document has no operation of that name: operationName must be given where there are several"
	case strings.HasPrefix(text, "exceeded token limit of "), text == "no operation provided", text == "must subscribe to exactly one stream":
		return text
	}
	return "the operation is not valid"
}

// shortPath cuts names that no schema has: members of a variable may be called
// anything.
func shortPath(path ast.Path) ast.Path {
	if !inVariable(path) {
		return path
	}
	short := make(ast.Path, len(path))
	for i, p := range path {
		if name, ok := p.(ast.PathName); ok && len(name) > maxName {
			p = ast.PathName(strings.ToValidUTF8(string(name[:maxName]), "") + "…")
		}
		short[i] = p
	}
	return short
}
