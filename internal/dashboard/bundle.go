package dashboard

import (
	"io"
	"io/fs"
	"net/http"
	"strings"
)

// bundle serves one built front end from memory.
type bundle struct {
	base   string // path of the page, with a slash at both ends
	policy string // Content-Security-Policy
	files  map[string]*file
}

// newBundle lists a front end's files; personalise may change its page. It
// panics when a file cannot be read: files are embedded, so that is a broken build.
func newBundle(files fs.FS, base, policy string, personalise func(page string) string) *bundle {
	b := &bundle{base: base, policy: policy, files: map[string]*file{}}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		open := func() io.ReadSeeker { return embedded(files, name) }
		if name == indexName {
			page, err := fs.ReadFile(files, name)
			if err != nil {
				return err
			}
			personal := personalise(string(page))
			open = func() io.ReadSeeker { return strings.NewReader(personal) }
		}
		b.files[name] = newFile(name, open)
		return nil
	})
	if err != nil {
		panic(err)
	}
	return b
}

// embedded reads a file where it lies in the binary: fs.ReadFile would copy it
// to the heap, and there it would stay.
func embedded(files fs.FS, name string) io.ReadSeeker {
	f, err := files.Open(name)
	if err != nil {
		panic(err)
	}
	return f.(io.ReadSeeker) // as embed promises; there is nothing to close
}

// ServeHTTP answers GET and HEAD.
func (b *bundle) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", b.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")

	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	name, below := strings.CutPrefix(r.URL.Path, b.base)
	if name == "" || r.URL.Path+"/" == b.base {
		name, below = indexName, true
	}
	f := b.files[name]
	if !below || f == nil {
		http.NotFound(w, r)
		return
	}
	f.serve(w, r)
}
