package embedded_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/cmd/standalone/embedded"
)

func TestTheUIShowsTheServer(t *testing.T) {
	t.Parallel()
	server := start(t, embedded.Options{UIListen: "127.0.0.1:0", Namespace: "deliveries"})

	page := get(t, server.UIURL()+"/")
	require.Contains(t, page, "<!doctype html>")
	_, rest, ok := strings.Cut(page, `"/_app/`)
	require.True(t, ok, page)
	asset, _, _ := strings.Cut(rest, `"`)
	require.NotContains(t, get(t, server.UIURL()+"/_app/"+asset), "<!doctype html>", "an asset is not the page")

	var namespaces struct {
		Namespaces []struct{ NamespaceInfo struct{ Name string } }
	}
	require.NoError(t, json.Unmarshal([]byte(get(t, server.UIURL()+"/api/v1/namespaces")), &namespaces))
	require.Len(t, namespaces.Namespaces, 2)
	require.Contains(t, get(t, server.UIURL()+"/api/v1/namespaces"), `"deliveries"`)
	var settings struct {
		DefaultNamespace string
		DisableNewsFetch bool
	}
	require.NoError(t, json.Unmarshal([]byte(get(t, server.UIURL()+"/api/v1/settings")), &settings))
	require.Equal(t, "deliveries", settings.DefaultNamespace)
	require.True(t, settings.DisableNewsFetch)

	// What changes something needs the token that only a page of this origin can read.
	response, err := http.Post(server.UIURL()+"/api/v1/namespaces/deliveries/workflows/x/terminate", "application/json", strings.NewReader("{}"))
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusBadRequest, response.StatusCode)

	server.Stop()
	_, err = http.Get(server.UIURL())
	require.Error(t, err)
}

func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode, "%s", body)
	return string(body)
}
