package dashboard

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// indexName is the page of a bundle.
const indexName = "index.html"

// types are named here because the system's own table differs from one machine
// to the next, and nosniff makes a wrong type fatal.
var types = map[string]string{
	".css":         "text/css; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".md":          "text/markdown; charset=utf-8",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".ttf":         "font/ttf",
	".txt":         "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json",
	".woff2":       "font/woff2",
}

// file is one file of a bundle, ready to be served.
type file struct {
	open        func() io.ReadSeeker
	compressed  func() []byte // made when first asked for, then kept
	contentType string
	cache       string
	etag        string // without quotes
}

func newFile(name string, open func() io.ReadSeeker) *file {
	sum := sha256.New()
	mustCopy(sum, open())
	f := &file{
		open:        open,
		compressed:  sync.OnceValue(func() []byte { return compress(open()) }),
		contentType: types[path.Ext(name)],
		cache:       "no-cache", // keep, but ask each time: the next version has the same name
		etag:        base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:12]),
	}
	if f.contentType == "" {
		f.contentType = "application/octet-stream"
	}
	if strings.HasPrefix(name, "assets/") {
		// The name holds a hash of the contents: it never changes.
		f.cache = "public, max-age=31536000, immutable"
	}
	return f
}

func compress(body io.Reader) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is a valid one
	mustCopy(w, body)
	_ = w.Close() // a buffer takes everything
	return b.Bytes()
}

// mustCopy copies within memory, where nothing can fail.
func mustCopy(to io.Writer, from io.Reader) {
	if _, err := io.Copy(to, from); err != nil {
		panic(err)
	}
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", f.cache)
	h.Add("Vary", "Accept-Encoding")

	body, etag := f.open(), f.etag
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		// Other bytes need another tag.
		body, etag = bytes.NewReader(f.compressed()), f.etag+"-gzip"
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", `"`+etag+`"`)
	// No modification time: the tag says more, and the binary does not know it.
	http.ServeContent(w, r, "", time.Time{}, body)
}

// acceptsGzip reads an Accept-Encoding header (RFC 9110, section 12.5.3).
func acceptsGzip(header string) bool {
	for coding := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(coding, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		weight, weighted := strings.CutPrefix(strings.ToLower(strings.TrimSpace(params)), "q=")
		return !weighted || strings.Trim(weight, "0.") != ""
	}
	return false
}
