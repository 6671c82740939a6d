package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/httpapi"
	"datapusher/internal/problem"
	"datapusher/internal/testutil/dbtest"
)

// hands is a clock that tests move.
type hands struct{ at atomic.Int64 }

func (h *hands) Now() time.Time      { return time.Unix(1_900_000_000, h.at.Load()) }
func (h *hands) Add(d time.Duration) { h.at.Add(int64(d)) }

// Every door answers alike where too many wrong credentials have come from, in its
// own form, and takes a right one all the same.
func TestWrongCredentialsOfAnAddressBecomeTooMany(t *testing.T) {
	t.Parallel()
	seed := func(secret string) string {
		return `{"account_id":"acc_jane","secret_token":"` + secret + `","data":1}`
	}
	for _, door := range []struct {
		name        string
		wrong       func(h http.Handler, from string) reply
		contentType string
	}{
		{"native", func(h http.Handler, from string) reply {
			return serve(h, "POST /server/incoming_data", `{}`, bearer("wrong"), from)
		}, "application/problem+json"},
		{"batch", func(h http.Handler, from string) reply { return serve(h, batch, `[1]`, "CL-X-TOKEN: wrong", from) }, "application/problem+json"},
		{"seed", func(h http.Handler, from string) reply {
			return serve(h, "POST /server/incoming_data", seed("wrong"), from)
		}, "application/json"},
		{"seed by GET", func(h http.Handler, from string) reply {
			return serve(h, "GET /server/incoming_data?account_id=acc_jane&secret_token=wrong&data=1", "", from)
		}, "application/json"},
		{"account", func(h http.Handler, from string) reply { return serve(h, "GET /account/", "", bearer("wrong"), from) }, "application/json"},
		{"a change", func(h http.Handler, from string) reply {
			return serve(h, "DELETE /account/", `{"account_id":"acc_jane","secret_token":"wrong"}`, from)
		}, "application/json"},
		{"GraphQL", func(h http.Handler, from string) reply { return serve(h, "POST /graphql", `{}`, bearer("wrong"), from) }, "application/problem+json"},
		{"a sign-in", func(h http.Handler, from string) reply {
			return serve(h, "POST /session", `{"admin_token":"wrong"}`, from)
		}, "application/problem+json"},
		{"a session", func(h http.Handler, from string) reply {
			return serve(h, "GET /session", ``, "Cookie: __Host-datapusher_session=wrong", from)
		}, "application/problem+json"},
		{"metrics", func(h http.Handler, from string) reply { return serve(h, "GET /metrics", "", bearer("wrong"), from) }, "application/problem+json"},
	} {
		t.Run(door.name, func(t *testing.T) {
			t.Parallel()
			o, clock := options(), &hands{}
			o.TrustedProxies = networks("192.0.2.1/32") // what httptest gives
			h := httpapi.New(o.Limited(httpapi.Limits{Now: clock.Now}))
			here, elsewhere := "X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 1.1.1.2"
			for range httpapi.WrongAtOnce {
				require.Equal(t, http.StatusUnauthorized, door.wrong(h, here).status)
			}
			got := door.wrong(h, here)
			require.Equal(t, http.StatusTooManyRequests, got.status, got.body)
			require.Equal(t, "1", got.header.Get("Retry-After"))
			require.Empty(t, got.header.Get("WWW-Authenticate"))
			require.Equal(t, door.contentType, got.header.Get("Content-Type"))
			require.Equal(t, problem.RateLimited, got.code(t))
			require.NotContains(t, got.body, "1.1.1.1")

			require.Equal(t, http.StatusUnauthorized, door.wrong(h, elsewhere).status, "another address")
			require.Equal(t, http.StatusAccepted, serve(h, "POST /server/incoming_data", `{}`, bearer("jane"), here).status, "a right one")
			require.Equal(t, http.StatusOK, serve(h, "POST /server/incoming_data", seed("jane"), here).status, "a right one")
			require.Equal(t, http.StatusOK, serve(h, "GET /metrics", ``, bearer("admin"), here).status, "a right one")
			require.Equal(t, http.StatusUnauthorized, serve(h, "POST /server/incoming_data", `{}`, here).status, "none is no guess")

			clock.Add(time.Second)
			require.Equal(t, http.StatusUnauthorized, door.wrong(h, here).status, "one a second")
			require.Equal(t, http.StatusTooManyRequests, door.wrong(h, here).status)
		})
	}
}

func TestAnAddressCoolsDown(t *testing.T) {
	t.Parallel()
	clock := &hands{}
	throttle := httpapi.NewThrottle(clock.Now)
	one, same, other := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::ffff:1"), netip.MustParseAddr("2001:db8:0:1::1")
	require.False(t, throttle.Hot(one))
	for range httpapi.WrongAtOnce {
		require.False(t, throttle.Hot(one))
		require.NoError(t, throttle.Wrong(one))
	}
	require.True(t, throttle.Hot(one))
	require.True(t, throttle.Hot(same), "the same /64")
	require.Error(t, throttle.Wrong(same))
	require.False(t, throttle.Hot(other))
	clock.Add(httpapi.WrongAtOnce * time.Second)
	for range httpapi.WrongAtOnce {
		require.NoError(t, throttle.Wrong(one))
	}
	require.Error(t, throttle.Wrong(one))
}

// Whoever has many addresses neither fills the memory nor is forgotten.
func TestTheCountOfAddressesIsBounded(t *testing.T) {
	t.Parallel()
	clock := &hands{}
	throttle := httpapi.NewThrottle(clock.Now)
	address := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
	for range httpapi.WrongAtOnce {
		require.NoError(t, throttle.Wrong(address(0)))
	}
	for i := range httpapi.WrongAddresses {
		require.Equal(t, i == 0, throttle.Wrong(address(i)) != nil)
	}
	beyond := 0
	for i := range 100 {
		if throttle.Wrong(address(httpapi.WrongAddresses+i)) == nil {
			beyond++
		}
	}
	require.Equal(t, httpapi.WrongAtOnce, beyond, "those beyond share one count")
	require.Equal(t, httpapi.WrongAddresses, throttle.Counted())
	require.True(t, throttle.Hot(address(0)))

	clock.Add(httpapi.WrongAtOnce * time.Second)
	require.NoError(t, throttle.Wrong(address(1<<20)))
	require.Equal(t, 1, throttle.Counted(), "those that have cooled down are dropped")
}

// Two hundred guess as fast as they can, from the address of a client with a right
// token: it gets an answer to each of its requests.
func TestGuessesAreNotInTheWayOfARightToken(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.client.Transport.(*http.Transport).MaxIdleConnsPerHost = 201
		_, secret := w.account(t, "jane@example.com")
		right := func() []time.Duration {
			var took []time.Duration
			// Longer than a token is remembered, so that it is looked up on the way.
			for began := time.Now(); time.Since(began) < 1500*time.Millisecond; {
				asked := time.Now()
				got := w.call(t, "GET /account/", "", bearer(secret))
				took = append(took, time.Since(asked))
				require.Equal(t, http.StatusOK, got.status, got.body)
			}
			return took
		}
		before := p99(right())
		var (
			stop    atomic.Bool
			guesses sync.WaitGroup
			counts  [600]atomic.Int64
			hot     = make(chan struct{})
			heated  sync.Once
		)
		for range 200 {
			guesses.Go(func() {
				for !stop.Load() {
					req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/account/", nil)
					if err != nil {
						t.Error(err)
						return
					}
					got := w.do(t, with(req, []string{bearer(auth.NewSecretToken())}))
					if counts[got.status].Add(1); got.status == http.StatusTooManyRequests {
						heated.Do(func() { close(hot) })
					}
				}
			})
		}
		<-hot
		during := right()
		stop.Store(true)
		guesses.Wait()
		t.Logf("p99 of a right token: %s alone, %s (of %d) beside 200 who guess; %d guesses got 401, %d got 429, %d got 503",
			before, p99(during), len(during), counts[401].Load(), counts[429].Load(), counts[503].Load())
		require.Less(t, p99(during), 2*time.Second)
		require.Greater(t, counts[429].Load(), counts[401].Load())
	})
}

// p99 is the 99th percentile.
func p99(took []time.Duration) time.Duration {
	slices.Sort(took)
	return took[len(took)*99/100]
}

func TestAnAccountThatSendsTooMuchIsTold(t *testing.T) {
	t.Parallel()
	o, clock := options(), &hands{}
	o.AccountRate, o.AccountBurst, o.CORSOrigins = 2, 5, []string{"https://app.example.com"}
	h := httpapi.New(o.Limited(httpapi.Limits{Now: clock.Now}))
	event := func() reply { return serve(h, "POST /server/incoming_data", `{}`, bearer("jane")) }
	for left := range 3 {
		got := event()
		require.Equal(t, http.StatusAccepted, got.status)
		require.Equal(t, `"account";q=5;w=3`, got.header.Get("RateLimit-Policy"))
		require.Equal(t, fmt.Sprintf(`"account";r=%d;t=%d`, 4-left, (left+2)/2), got.header.Get("RateLimit"))
	}

	three := serve(h, batch, `[1,2,3]`, bearer("jane"))
	require.Equal(t, http.StatusTooManyRequests, three.status, "two are left, and a batch is taken as a whole")
	require.Equal(t, problem.RateLimited, three.code(t))
	require.Equal(t, "application/problem+json", three.header.Get("Content-Type"))
	require.Equal(t, "1", three.header.Get("Retry-After"))
	require.Equal(t, `"account";r=2;t=1`, three.header.Get("RateLimit"))
	require.Equal(t, http.StatusAccepted, serve(h, batch, `[1,2]`, bearer("jane")).status)
	six := serve(h, batch, `[1,2,3,4,5,6]`, bearer("jane"))
	require.Equal(t, problem.TooLarge, six.code(t), "that is never possible")
	require.Contains(t, six.body, "at most 5 events")

	require.Equal(t, "2", serve(h, batch, `[1,2,3]`, bearer("jane")).header.Get("Retry-After"))
	seed := serve(h, "POST /server/incoming_data", `{"account_id":"acc_jane","secret_token":"jane","data":1}`)
	require.Equal(t, http.StatusTooManyRequests, seed.status)
	require.Equal(t, "application/json", seed.header.Get("Content-Type"))
	var told map[string]any
	require.NoError(t, json.Unmarshal([]byte(seed.body), &told))
	require.Equal(t, false, told["status"])
	require.Equal(t, "rate_limited", told["code"])
	require.Equal(t, "1", seed.header.Get("Retry-After"))
	require.Equal(t, http.StatusTooManyRequests, serve(h, "GET /server/incoming_data?account_id=acc_jane&secret_token=jane&data=1", "").status)

	require.Equal(t, http.StatusForbidden, serve(h, "POST /server/incoming_data", `{}`, bearer("reader")).status, "no event, no charge")
	require.Equal(t, http.StatusOK, serve(h, "POST /graphql", `{}`, bearer("jane")).status, "it is about events alone")
	clock.Add(500 * time.Millisecond)
	require.Equal(t, http.StatusAccepted, event().status)
	require.Equal(t, http.StatusTooManyRequests, event().status)

	exposed := strings.ToLower(serve(h, "POST /server/incoming_data", `{}`, bearer("jane"), "Origin: https://app.example.com").header.Get("Access-Control-Expose-Headers"))
	for _, name := range []string{"ratelimit", "ratelimit-policy", "retry-after"} {
		require.Contains(t, strings.Split(strings.ReplaceAll(exposed, " ", ""), ","), name)
	}
}

func TestWithoutARateNobodyIsLimited(t *testing.T) {
	t.Parallel()
	h := httpapi.New(options())
	for range 3000 {
		got := serve(h, "POST /server/incoming_data", `{}`, bearer("jane"))
		require.Equal(t, http.StatusAccepted, got.status)
		require.Empty(t, got.header.Get("RateLimit"))
		require.Empty(t, got.header.Get("RateLimit-Policy"))
	}
	o := options()
	o.AccountRate = 3
	require.Equal(t, `"account";q=1000;w=334`, serve(httpapi.New(o), "POST /server/incoming_data", `{}`, bearer("jane")).header.Get("RateLimit-Policy"),
		"a whole batch fits, unless a burst is set")
}
