package httpapi

import (
	"io"
	"net/http"
	"time"

	"datapusher/internal/auth"
)

// slowly is how long a request may take to send its body without its credential
// being checked again. It is what a revoked one may take to be refused anyway.
const slowly = time.Second

// confirm checks a credential again where the body was long in coming: whoever
// is sending when a token is revoked must not have it count at the end.
func confirm(r *http.Request, again func() (*auth.Viewer, error)) error {
	if time.Since(recordOf(r).known) <= slowly {
		return nil
	}
	_, err := again()
	return err
}

// confirmed is a body that fails at its end when its request's credential is no
// longer valid. It is for handlers that read the body themselves.
type confirmed struct {
	io.ReadCloser
	confirm func() error
}

// Read implements io.Reader.
func (b confirmed) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		if gone := b.confirm(); gone != nil {
			err = gone
		}
	}
	return n, err
}
