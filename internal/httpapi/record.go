package httpapi

import (
	"context"
	"net/http"
	"time"

	"datapusher/internal/problem"
)

// record is what is known of a request for its log line and for its errors.
type record struct {
	id      string
	account string    // "" as long as nobody is known
	known   time.Time // when the caller's credential was checked
	tell    teller
	failure *problem.Error
}

type recordKey struct{}

// recordOf finds the record that observe has put into the context.
func recordOf(r *http.Request) *record { return r.Context().Value(recordKey{}).(*record) }

func withRecord(ctx context.Context, rec *record) context.Context {
	return context.WithValue(ctx, recordKey{}, rec)
}

// fail answers with an error and keeps it for the log.
func (rec *record) fail(w http.ResponseWriter, err error) {
	rec.failure = problem.From(err)
	rec.tell(w, rec.id, rec.failure)
}
