package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"datapusher/internal/problem"
)

// The media types of an answer, after GraphQL over HTTP.
const (
	plainJSON   = "application/json"
	graphqlJSON = "application/graphql-response+json"
)

// read takes the operation out of a request. No error repeats what was sent.
func read(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, error) {
	var (
		params *graphql.RawParams
		err    error
	)
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		params, err = readQuery(r.URL.RawQuery)
	case http.MethodPost:
		params, err = readBody(w, r)
	default:
		w.Header().Set("Allow", "GET, POST")
		return nil, problem.New(problem.MethodNotAllowed, "send queries by GET or POST and mutations by POST")
	}
	switch {
	case err != nil:
		return nil, err
	case strings.TrimSpace(params.Query) == "":
		return nil, badRequest()
	case !utf8.ValidString(params.Query):
		return nil, problem.New(problem.Invalid, "the query must be UTF-8")
	}
	params.Headers = r.Header
	return params, nil
}

func badRequest() error {
	return problem.New(problem.Invalid, `send one JSON object: {"query": "…", "operationName": "…", "variables": {…}}`)
}

func readBody(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, error) {
	kind, options, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset := options["charset"]; err != nil || kind != plainJSON || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, problem.New(problem.UnsupportedMedia, "send the operation as JSON in UTF-8, with Content-Type: application/json")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, problem.New(problem.TooLarge, "the body must have at most %d bytes", MaxBody)
	}
	if coded, ok := errors.AsType[*problem.Error](err); ok { // whoever hands the body on has something to say
		return nil, coded
	}
	if err != nil {
		return nil, problem.Wrap(err, problem.Invalid, "the body broke off")
	}
	return decode(body)
}

// decode reads the body of a POST. Members that it does not know are ignored, as
// the draft wants it.
func decode(body []byte) (*graphql.RawParams, error) {
	var in struct {
		Query         string          `json:"query"`
		OperationName *string         `json:"operationName"`
		Variables     json.RawMessage `json:"variables"`
		Extensions    json.RawMessage `json:"extensions"`
	}
	if json.Unmarshal(body, &in) != nil {
		return nil, badRequest()
	}
	params := &graphql.RawParams{Query: in.Query}
	if in.OperationName != nil {
		params.OperationName = *in.OperationName
	}
	return params, readMembers(params, in.Variables, in.Extensions)
}

// readMembers reads what has to be JSON objects. Nothing here uses extensions, so
// that they are looked at and thrown away.
func readMembers(params *graphql.RawParams, variables, extensions []byte) error {
	if e := bytes.TrimSpace(extensions); len(e) > 0 && e[0] != '{' && !bytes.Equal(e, []byte("null")) || len(e) > 0 && !json.Valid(e) {
		return badRequest()
	}
	if len(variables) == 0 {
		return nil
	}
	if crowded(variables) {
		return tooMany()
	}
	d := json.NewDecoder(bytes.NewReader(variables))
	d.UseNumber()
	if d.Decode(&params.Variables) != nil || trailing(d) {
		return badRequest()
	}
	return nil
}

// readQuery reads the query string of a GET.
func readQuery(raw string) (*graphql.RawParams, error) {
	q, err := url.ParseQuery(raw)
	if err != nil {
		return nil, badRequest()
	}
	params := &graphql.RawParams{Query: q.Get("query"), OperationName: q.Get("operationName")}
	return params, readMembers(params, []byte(q.Get("variables")), []byte(q.Get("extensions")))
}

// trailing reports whether there is more after a JSON value.
func trailing(d *json.Decoder) bool {
	_, err := d.Token()
	return err != io.EOF
}

// mediaType is what the client reads: the draft's own type if it asks for it,
// otherwise plain JSON, which everybody reads.
func mediaType(r *http.Request) string {
	for _, accept := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(accept, ",") {
			if kind, _, err := mime.ParseMediaType(part); err == nil && kind == graphqlJSON {
				return graphqlJSON
			}
		}
	}
	return plainJSON
}

func write(w http.ResponseWriter, r *http.Request, status int, response *graphql.Response) {
	body, err := json.Marshal(response)
	if err != nil { // a marshaler of ours wrote no JSON
		status, body = http.StatusInternalServerError, []byte(`{"errors":[{"message":"the answer could not be written","extensions":{"code":"internal"}}]}`)
	}
	h := w.Header()
	h.Set("Content-Type", mediaType(r)+"; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
