package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/database"
	"datapusher/internal/jsoncheck"
	"datapusher/internal/problem"
	"datapusher/internal/testutil/dbtest"
)

// The answer to JSON that parsers disagree on. What is accepted as an event is
// kept byte for byte, at every door; what a door reads itself it refuses where it
// could mean two things.
func TestJSONThatParsersDisagreeOn(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		jane, secret := w.account(t, "jane@example.com")
		form := func(data string) string {
			return `{"account_id":"` + jane + `","secret_token":"` + secret + `","data":` + data + `}`
		}
		for _, tt := range []struct {
			name, text string
			accepted   bool
		}{
			{"a name twice", `{"a":1,"a":2}`, true},
			{"a name twice, once escaped", `{"a":1,"\u0061":2}`, true},
			{"an empty name", `{"":1}`, true},
			{"names of the seed's form within", `{"data":{"account_id":1,"account_id":2}}`, true},
			{"a number beyond a double", `1e400`, true},
			{"a number that a double rounds", `123456789012345678901234567890.10`, true},
			{"a number beyond 64 bits", `{"id":9223372036854775808}`, true},
			{"minus zero", `-0`, true},
			{"a number of 10,000 digits", strings.Repeat("9", 10_000), true},
			{"half of a surrogate pair", `"\ud800"`, true},
			{"a surrogate pair the wrong way round", `"\ude00\ud83d"`, true},
			{"an escaped NUL", `"\u0000"`, true},
			{"a noncharacter", "\"\uffff\"", true},
			{"a byte order mark in a string", "\"\ufeff\"", true},
			{"line separators of JavaScript", "\"\u2028\u2029\"", true},
			{"an escaped slash", `"<\/script>"`, true},
			{"space of all kinds", "{ \"a\"\t:\r\n1 }", true},
			{"as deep as may be", nested(jsoncheck.MaxDepth), true},

			{"too deep", nested(jsoncheck.MaxDepth + 1), false},
			{"a NUL in a string", "\"\x00\"", false},
			{"a NUL behind the value", "1\x00", false},
			{"no UTF-8", "\"\xff\"", false},
			{"a name that is no UTF-8", "{\"\xff\":1}", false},
			{"UTF-8 that is longer than it has to be", "\"\xc0\xaf\"", false},
			{"half of a surrogate pair as UTF-8", "\"\xed\xa0\x80\"", false},
			{"a line break in a string", "\"a\nb\"", false},
			{"NaN", `NaN`, false},
			{"a leading zero", `01`, false},
			{"a leading plus", `+1`, false},
			{"a comma too many", `[1,]`, false},
			{"a comment", `[/**/]`, false},
			{"two values", `1 2`, false},
		} {
			answers := map[string]reply{
				"native": w.call(t, "POST /server/incoming_data", tt.text, bearer(secret)),
				"seed":   w.call(t, "POST /server/incoming_data", form(tt.text)),
			}
			for door, got := range answers {
				if !tt.accepted {
					require.Equal(t, problem.Invalid, got.code(t), "%s: %s: %s", door, tt.name, got.body)
					continue
				}
				require.Contains(t, []int{http.StatusOK, http.StatusAccepted}, got.status, "%s: %s: %s", door, tt.name, got.body)
				require.Equal(t, tt.text, w.payload(t, got.json(t)["event_id"].(string)), "%s: %s", door, tt.name)
			}
		}

		// What a door reads itself may be there once.
		for name, body := range map[string]string{
			"account_id":   `{"account_id":"` + jane + `","account_id":"` + jane + `","secret_token":"` + secret + `","data":1}`,
			"secret_token": `{"account_id":"` + jane + `","secret_token":"x","secret_token":"` + secret + `","data":1}`,
			"data":         `{"account_id":"` + jane + `","secret_token":"` + secret + `","data":1,"\u0064ata":2}`,
		} {
			got := w.call(t, "POST /server/incoming_data", body)
			require.Equal(t, problem.Invalid, got.code(t), got.body)
			require.Equal(t, []string{name}, got.fields(t))
		}
		require.Equal(t, problem.Invalid, w.call(t, "PATCH /account/",
			`{"account_id":"`+jane+`","account_name":"a","account_name":"b"}`, bearer(secret)).code(t))
		require.Equal(t, problem.Invalid, w.call(t, "POST /server/incoming_data", "\ufeff{}", bearer(secret)).code(t), "a byte order mark in front")
	})
}
