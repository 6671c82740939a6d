package graph

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"

	"datapusher/graph/generated"
	"datapusher/internal/database"
	"datapusher/internal/problem"
	"datapusher/internal/pusher"
	"datapusher/internal/vault"
	"datapusher/workflows"
)

const (
	// MaxBody is the largest request in bytes.
	MaxBody = 1 << 20
	// maxTime bounds the execution of one operation.
	maxTime = 20 * time.Second
)

// Options of the API. All are needed.
type Options struct {
	Pusher *pusher.Pusher
	DB     *database.DB
	Box    vault.Box
	Engine workflows.Engine
	Logger *slog.Logger
}

// NewHandler serves the API after the GraphQL-over-HTTP draft: queries by GET
// and POST, mutations by POST alone, JSON in UTF-8. Who asks is in the request's
// context ([auth.With]).
func NewHandler(o Options) http.Handler {
	r := &Resolver{ent: o.DB.Ent, pusher: o.Pusher, box: o.Box, logger: o.Logger}
	r.tracker, _ = o.Engine.(workflows.Tracker)
	server := handler.New(generated.NewExecutableSchema(generated.Config{Resolvers: r}))
	server.AddTransport(transport.GET{})
	server.AddTransport(transport.POST{})
	server.SetQueryCache(pagedCache{lru.New[*ast.QueryDocument](maxCached)})
	server.SetParserTokenLimit(maxTokens)
	server.SetErrorPresenter(presenter(o.Logger))
	server.SetRecoverFunc(recovered)
	server.Use(limits{})
	return door{server}
}

// door checks what the library would answer with the request's own text, or
// read without a bound.
type door struct{ next http.Handler }

// ServeHTTP implements http.Handler.
func (d door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), maxTime)
	defer cancel()
	r = r.WithContext(ctx)
	switch r.Method {
	case http.MethodGet:
	case http.MethodPost:
		body, err := readBody(w, r)
		if err != nil {
			reject(w, problem.From(err))
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	default:
		w.Header().Set("Allow", "GET, POST")
		reject(w, problem.New(problem.MethodNotAllowed, "send queries by GET or POST and mutations by POST"))
		return
	}
	d.next.ServeHTTP(w, r)
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, problem.New(problem.UnsupportedMedia, "send the operation as JSON with Content-Type: application/json")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, problem.New(problem.TooLarge, "an operation may have %d bytes", MaxBody)
	}
	if err != nil {
		return nil, problem.Wrap(err, problem.Invalid, "the body broke off")
	}
	var operation struct {
		Query         *string
		OperationName *string
		Variables     map[string]any
		Extensions    map[string]any
	}
	if json.Unmarshal(body, &operation) != nil || operation.Query == nil {
		return nil, problem.New(problem.Invalid, `send {"query": "…", "variables": {…}} as one JSON object`)
	}
	return body, nil
}

// statuses of what is refused before GraphQL begins.
var statuses = map[problem.Code]int{
	problem.Invalid:          http.StatusBadRequest,
	problem.MethodNotAllowed: http.StatusMethodNotAllowed,
	problem.TooLarge:         http.StatusRequestEntityTooLarge,
	problem.UnsupportedMedia: http.StatusUnsupportedMediaType,
}

func reject(w http.ResponseWriter, e *problem.Error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(statuses[e.Code])
	_ = json.NewEncoder(w).Encode(map[string]any{
		"errors": []any{map[string]any{"message": e.Message, "extensions": extensions(e)}},
	})
}

//go:embed schema/*.graphql
var schema embed.FS

// SDL is the whole schema as one document.
func SDL() string {
	entries, err := schema.ReadDir("schema")
	if err != nil {
		panic(err) // it is embedded
	}
	parts := make([]string, 0, len(entries))
	for _, e := range entries {
		part, err := schema.ReadFile(path.Join("schema", e.Name()))
		if err != nil {
			panic(err)
		}
		parts = append(parts, strings.TrimSpace(string(part)))
	}
	return strings.Join(parts, "\n\n") + "\n"
}
