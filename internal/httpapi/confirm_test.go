package httpapi_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/auth"
	"datapusher/internal/httpapi"
	"datapusher/internal/ingest"
)

// revocable are credentials that end.
type revocable struct {
	viewers
	revoked bool
	asked   int
}

func (r *revocable) Authenticate(ctx context.Context, secret string) (*auth.Viewer, error) {
	if r.asked++; r.revoked {
		return nil, auth.Denied()
	}
	return r.viewers.Authenticate(ctx, secret)
}

func (r *revocable) AuthenticateSession(ctx context.Context, secret string) (*auth.Viewer, error) {
	if r.asked++; r.revoked {
		return nil, auth.Denied()
	}
	return r.viewers.AuthenticateSession(ctx, secret)
}

// Whoever is still sending when the credential is revoked has sent nothing. One
// that is quick is not asked twice.
func TestARevocationMeetsWhatIsStillComing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ line, credential, body string }{
		"event":   {"POST /server/incoming_data", bearer("jane"), `{"a":1}`},
		"batch":   {"POST /server/incoming_data/batch", bearer("jane"), `[1]`},
		"graphql": {"POST /graphql", bearer("jane"), `{"query":"{ viewer { kind } }"}`},
		"session": {"POST /graphql", "Cookie: __Host-datapusher_session=browser", `{"query":"{ viewer { kind } }"}`},
		"account": {"DELETE /account/", bearer("jane"), `{"account_id":"acc_jane"}`},
	} {
		for _, sent := range []struct {
			in      time.Duration
			revoked bool
			asked   int
		}{{time.Second, true, 1}, {1001 * time.Millisecond, true, 2}, {1001 * time.Millisecond, false, 2}} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					credentials, done := &revocable{}, 0
					o := options()
					o.Auth = credentials
					o.Ingest = accepts(func(ingest.Event) (ingest.Receipt, error) { done++; return ingest.Receipt{}, nil })
					o.GraphQL = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if _, err := io.ReadAll(r.Body); err != nil {
							w.WriteHeader(http.StatusUnauthorized)
							return
						}
						done++
					})
					body, sender := io.Pipe()
					go func() {
						_, _ = io.WriteString(sender, c.body[:3])
						time.Sleep(sent.in) // the clock of the test's bubble
						credentials.revoked = sent.revoked
						_, _ = io.WriteString(sender, c.body[3:])
						_ = sender.Close()
					}()
					req := newRequest(c.line, "", c.credential)
					req.Body, req.ContentLength = body, -1
					rec := httptest.NewRecorder()
					httpapi.New(o).ServeHTTP(rec, req)
					require.Equal(t, sent.asked, credentials.asked)
					switch refused := sent.revoked && sent.asked == 2; {
					case refused:
						require.Equal(t, http.StatusUnauthorized, rec.Code, rec.Body.String())
						require.Zero(t, done)
					case name == "account": // it comes to the database, which is not there
						require.Equal(t, http.StatusInternalServerError, rec.Code)
					default:
						require.Less(t, rec.Code, 300, rec.Body.String())
						require.Equal(t, 1, done)
					}
				})
			})
		}
	}
}
