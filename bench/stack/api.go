package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// API is Data Pusher's GraphQL door, as an operator uses it.
type API struct{ URL, Token string }

// Query runs a document with one variable, $in, and decodes its data.
func (a API) Query(ctx context.Context, document string, input, data any) error {
	question, err := json.Marshal(map[string]any{"query": document, "variables": map[string]any{"in": input}})
	if err != nil {
		return err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL+"/graphql", bytes.NewReader(question))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Authorization", "Bearer "+a.Token)
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	var said struct {
		Data   json.RawMessage
		Errors json.RawMessage
	}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
		return err
	}
	if len(said.Errors) > 0 {
		return fmt.Errorf("GraphQL: %s", said.Errors)
	}
	return json.Unmarshal(said.Data, data)
}

// CreateAccount gives an account's id and its token.
func (a API) CreateAccount(ctx context.Context, name string) (id, token string, err error) {
	var data struct {
		CreateAccount struct {
			Account     struct{ ID string }
			SecretToken string
		}
	}
	err = a.Query(ctx, `mutation($in: CreateAccountInput!) { createAccount(input: $in) { account { id } secretToken } }`,
		map[string]any{"name": name, "email": name + "@example.com"}, &data)
	return data.CreateAccount.Account.ID, data.CreateAccount.SecretToken, err
}

// DestinationInput is what a destination is made of.
type DestinationInput struct {
	AccountID     string   `json:"accountID"`
	URL           string   `json:"url"`
	Name          string   `json:"name,omitempty"`
	RetrySchedule []string `json:"retrySchedule,omitempty"`
	Timeout       string   `json:"timeout,omitempty"`
}

// CreateDestination gives a destination's id and its signing secret.
func (a API) CreateDestination(ctx context.Context, in DestinationInput) (id, secret string, err error) {
	var data struct {
		CreateDestination struct {
			Destination   struct{ ID string }
			SigningSecret string
		}
	}
	err = a.Query(ctx, `mutation($in: CreateDestinationInput!) { createDestination(input: $in) { destination { id } signingSecret } }`, in, &data)
	return data.CreateDestination.Destination.ID, data.CreateDestination.SigningSecret, err
}
