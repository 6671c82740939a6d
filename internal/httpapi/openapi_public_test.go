package httpapi_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"datapusher/internal/httpapi"
)

func TestTheOpenAPIDocumentNamesThePublicURL(t *testing.T) {
	t.Parallel()
	for public, want := range map[string]string{"": "/", "https://push.example.com": "https://push.example.com"} {
		answer := httptest.NewRecorder()
		httpapi.New(httpapi.Options{PublicURL: public, Logger: slog.New(slog.DiscardHandler)}).
			ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/openapi.json", nil))
		var document struct {
			OpenAPI string
			Servers []struct{ URL string }
		}
		require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &document))
		require.Equal(t, "3.1.0", document.OpenAPI)
		require.Len(t, document.Servers, 1)
		require.Equal(t, want, document.Servers[0].URL)
	}
}
