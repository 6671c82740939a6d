package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// api is Data Pusher's GraphQL door, as an operator uses it.
type api struct{ url, token string }

func (a api) query(ctx context.Context, document string, input map[string]any, data any) error {
	question, err := json.Marshal(map[string]any{"query": document, "variables": map[string]any{"in": input}})
	if err != nil {
		return err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url+"/graphql", bytes.NewReader(question))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Authorization", "Bearer "+a.token)
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

func (a api) createAccount(ctx context.Context, name string) (id, token string, err error) {
	var data struct {
		CreateAccount struct {
			Account     struct{ ID string }
			SecretToken string
		}
	}
	err = a.query(ctx, `mutation($in: CreateAccountInput!) { createAccount(input: $in) { account { id } secretToken } }`,
		map[string]any{"name": name, "email": name + "@example.com"}, &data)
	return data.CreateAccount.Account.ID, data.CreateAccount.SecretToken, err
}

func (a api) createDestination(ctx context.Context, account, url string) (id string, err error) {
	var data struct {
		CreateDestination struct{ Destination struct{ ID string } }
	}
	err = a.query(ctx, `mutation($in: CreateDestinationInput!) { createDestination(input: $in) { destination { id } } }`,
		map[string]any{"accountID": account, "url": url, "httpMethod": "POST"}, &data)
	return data.CreateDestination.Destination.ID, err
}
