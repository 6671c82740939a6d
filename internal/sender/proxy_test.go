package sender_test

import (
	"net/http"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/sender"
)

// In a process of its own: net/http reads the environment once, and asks no
// proxy for addresses of this machine, so that the target must be elsewhere.
func TestProxiesOfTheEnvironmentAreIgnored(t *testing.T) {
	t.Parallel()
	const child = "SENDER_TEST_PROXY"
	if os.Getenv(child) != "" {
		require.Equal(t, sender.Blocked, newSender(t).Send(t.Context(), post("http://169.254.169.254/")).Class)
		return
	}
	proxy := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the proxy was used") })
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	c.Env = append(os.Environ(), child+"=1", "NO_PROXY=", "no_proxy=")
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		c.Env = append(c.Env, name+"="+proxy.URL)
	}
	out, err := c.CombinedOutput()
	require.NoError(t, err, string(out))
}
