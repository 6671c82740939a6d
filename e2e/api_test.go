package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// api is a client of one server, with a credential.
type api struct{ url, token string }

func (a api) with(token string) api { return api{a.url, token} }

// request sends bytes and returns status and body.
func (a api) request(t *testing.T, method, path string, body []byte, headers ...string) (int, []byte) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, a.url+path, bytes.NewReader(body))
	require.NoError(t, err)
	if body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	if a.token != "" {
		q.Header.Set("Authorization", "Bearer "+a.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		q.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(q)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, content
}

// query runs a GraphQL document and decodes its data.
func (a api) query(t *testing.T, document string, variables map[string]any, data any) {
	t.Helper()
	question, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	require.NoError(t, err)
	status, body := a.request(t, http.MethodPost, "/graphql", question)
	var answer struct {
		Data   json.RawMessage
		Errors []json.RawMessage
	}
	require.NoError(t, json.Unmarshal(body, &answer), "%d %s", status, body)
	require.Empty(t, answer.Errors, "%s", body)
	require.NoError(t, json.Unmarshal(answer.Data, data))
}

// into decodes a part of an answer.
func into(t *testing.T, part, data any) {
	t.Helper()
	text, err := json.Marshal(part)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, data))
}

// createAccount returns an account's id and its secret token.
func (a api) createAccount(t *testing.T, email string) (id, token string) {
	t.Helper()
	var data struct {
		CreateAccount struct {
			Account     struct{ ID string }
			SecretToken string
		}
	}
	a.query(t, `mutation($in: CreateAccountInput!) { createAccount(input: $in) { account { id } secretToken } }`,
		map[string]any{"in": map[string]any{"name": "E2E", "email": email}}, &data)
	return data.CreateAccount.Account.ID, data.CreateAccount.SecretToken
}

// createDestination returns the destination's id and its signing secret.
func (a api) createDestination(t *testing.T, account, url, method string) (id, secret string) {
	t.Helper()
	var data struct {
		CreateDestination struct {
			Destination   struct{ ID string }
			SigningSecret string
		}
	}
	a.query(t, `mutation($in: CreateDestinationInput!) { createDestination(input: $in) { destination { id } signingSecret } }`,
		map[string]any{"in": map[string]any{"accountID": account, "url": url, "httpMethod": method, "name": "to " + method}}, &data)
	return data.CreateDestination.Destination.ID, data.CreateDestination.SigningSecret
}

// push sends an event and returns its id.
func (a api) push(t *testing.T, payload string, headers ...string) string {
	t.Helper()
	status, body := a.request(t, http.MethodPost, "/server/incoming_data", []byte(payload), headers...)
	require.Equal(t, http.StatusAccepted, status, "%s", body)
	var answer struct {
		EventID string `json:"event_id"`
	}
	require.NoError(t, json.Unmarshal(body, &answer))
	return answer.EventID
}

// delivery is what the API tells of one.
type delivery struct {
	ID, Status    string
	Reason        *string
	NextAttemptAt *string
	EngineURL     *string
	AttemptCount  int
	Destination   struct{ ID string }
	Attempts      struct {
		Edges []struct {
			Node struct {
				Number     int
				Status     *int
				ErrorClass *string
			}
		}
	}
}

// deliveries of an event, as the API lists them.
func (a api) deliveries(t *testing.T, event string) []delivery {
	t.Helper()
	var data struct {
		Event struct {
			Deliveries struct {
				Edges []struct{ Node delivery }
			}
		}
	}
	a.query(t, `query($id: ID!) { event(id: $id) { deliveries { edges { node {
		id status reason nextAttemptAt engineURL attemptCount destination { id }
		attempts { edges { node { number status errorClass } } }
	} } } } }`, map[string]any{"id": event}, &data)
	all := make([]delivery, 0, len(data.Event.Deliveries.Edges))
	for _, e := range data.Event.Deliveries.Edges {
		all = append(all, e.Node)
	}
	return all
}

// succeeded waits until all n deliveries of an event have succeeded.
func (a api) succeeded(t *testing.T, event string, n int) []delivery {
	t.Helper()
	var all []delivery
	eventually(t, func() bool {
		all = a.deliveries(t, event)
		for _, d := range all {
			if d.Status != "SUCCEEDED" {
				return false
			}
		}
		return len(all) == n
	}, "the deliveries of "+event+" succeed")
	return all
}

// endpoints is what a standalone writes about itself.
type endpoints struct {
	API        string `json:"api"`
	Temporal   string `json:"temporal"`
	TemporalUI string `json:"temporal_ui"`
}

// bootStandalone starts the standalone program on a data directory.
func bootStandalone(t *testing.T, dir string, args ...string) (*process, api, endpoints) {
	t.Helper()
	p := start(t, standalone(t), os.Environ(), append([]string{
		"--data-dir", dir, "--listen", "127.0.0.1:0", "--temporal-listen", "127.0.0.1:0", "--temporal-ui-listen", "127.0.0.1:0",
	}, args...)...)
	p.waitFor(t, "Stop with Ctrl-C")
	content, err := os.ReadFile(filepath.Join(dir, "endpoints.json"))
	require.NoError(t, err)
	var where endpoints
	require.NoError(t, json.Unmarshal(content, &where))
	token, err := os.ReadFile(filepath.Join(dir, "admin-token"))
	require.NoError(t, err)
	return p, api{where.API, strings.TrimSpace(string(token))}, where
}

// getJSON reads JSON without a credential.
func getJSON(t *testing.T, url string, into any) error {
	t.Helper()
	status, body := api{url: url}.request(t, http.MethodGet, "", nil)
	if status != http.StatusOK {
		return fmt.Errorf("%d %s", status, body)
	}
	return json.Unmarshal(body, into)
}
