package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What a revocation takes at most until the last process knows of it.
const revocation = time.Second

// TestRevocationReachesEveryProcess revokes through one process and asks the
// other, which has seen the credential a moment before.
func TestRevocationReachesEveryProcess(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	_, one := i.serve(t, "--migrate")
	_, two := i.serve(t)
	account, _ := one.createAccount(t, "revoked@example.com")

	t.Run("token", func(t *testing.T) {
		id, secret := one.createToken(t, account)
		refusedInTime(t, func() int { return two.with(secret).asks(t) }, func() time.Time {
			var data any
			one.query(t, `mutation($id: ID!) { revokeToken(input: {id: $id}) { token { id } } }`, map[string]any{"id": id}, &data)
			return time.Now()
		})
	})

	t.Run("token at the door for events", func(t *testing.T) {
		id, secret := one.createToken(t, account)
		refusedInTime(t, func() int { return two.with(secret).pushes(t) }, func() time.Time {
			var data any
			one.query(t, `mutation($id: ID!) { revokeToken(input: {id: $id}) { token { id } } }`, map[string]any{"id": id}, &data)
			return time.Now()
		})
	})

	t.Run("session", func(t *testing.T) {
		cookie := one.signIn(t)
		signedIn := func(a api, method string) int {
			status, _ := api{url: a.url}.request(t, method, "/session", nil, "Cookie", cookie)
			return status
		}
		refusedInTime(t, func() int { return signedIn(two, http.MethodGet) }, func() time.Time {
			require.Equal(t, http.StatusNoContent, signedIn(one, http.MethodDelete))
			return time.Now()
		})
	})

	t.Run("overlap that is over", func(t *testing.T) {
		id, secret := one.createToken(t, account)
		refusedInTime(t, func() int { return two.with(secret).asks(t) }, func() time.Time {
			var data any
			one.query(t, `mutation($id: ID!) { rotateToken(input: {id: $id, overlap: "1500ms"}) { token { id } } }`, map[string]any{"id": id}, &data)
			var old struct{ Node struct{ ExpiresAt time.Time } }
			one.query(t, `query($id: ID!) { node(id: $id) { ... on Token { expiresAt } } }`, map[string]any{"id": id}, &old)
			require.WithinDuration(t, time.Now(), old.Node.ExpiresAt, 2*time.Second)
			return old.Node.ExpiresAt
		})
	})
}

// refusedInTime asks until it is refused: not before the end that the change
// gives, and not later than a second after it.
func refusedInTime(t *testing.T, ask func() int, change func() time.Time) {
	t.Helper()
	require.Less(t, ask(), 500)
	require.NotEqual(t, http.StatusUnauthorized, ask())
	end := change()
	for {
		began := time.Now()
		if ask() == http.StatusUnauthorized {
			t.Logf("refused %v after the end", time.Since(end).Round(time.Millisecond))
			require.False(t, time.Now().Before(end), "refused before its time")
			return
		}
		require.Less(t, began.Sub(end), revocation, "still taken")
	}
}

// asks is the status of a query.
func (a api) asks(t *testing.T) int {
	t.Helper()
	status, _ := a.request(t, http.MethodPost, "/graphql", []byte(`{"query":"{ viewer { kind } }"}`))
	return status
}

// pushes is the status of an event that nobody takes, whoever sends it.
func (a api) pushes(t *testing.T) int {
	t.Helper()
	status, _ := a.request(t, http.MethodPost, "/server/incoming_data", []byte("no JSON"))
	return status
}

// createToken returns a token's id and its secret.
func (a api) createToken(t *testing.T, account string) (id, secret string) {
	t.Helper()
	var data struct {
		CreateToken struct {
			Token       struct{ ID string }
			SecretToken string
		}
	}
	a.query(t, `mutation($id: ID!) { createToken(input: {accountID: $id, name: "e2e", scopes: [INGEST, READ]}) { token { id } secretToken } }`,
		map[string]any{"id": account}, &data)
	return data.CreateToken.Token.ID, data.CreateToken.SecretToken
}

// signIn returns the cookie of a new session.
func (a api) signIn(t *testing.T) string {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url+"/session", nil)
	require.NoError(t, err)
	q.Header.Set("Authorization", "Bearer "+a.token)
	answer, err := http.DefaultClient.Do(q)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Len(t, answer.Cookies(), 1)
	return answer.Cookies()[0].Name + "=" + answer.Cookies()[0].Value
}
