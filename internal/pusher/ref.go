package pusher

import (
	"context"
	"strconv"

	"datapusher/ent"
	"datapusher/ent/account"
	"datapusher/ent/destination"
	"datapusher/internal/auth"
	"datapusher/internal/id"
)

// AccountByRef finds an account that the viewer may read by its id, or by the
// integer that it had in the seed system.
func (p *Pusher) AccountByRef(ctx context.Context, ref string) (*ent.Account, error) {
	if err := auth.Require(ctx, auth.Read); err != nil {
		return nil, err
	}
	q := p.o.DB.Ent.Account.Query()
	if seed, ok := seedID(ref); ok {
		q.Where(account.SeedID(seed))
	} else if id.Is(id.Account, ref) {
		q.Where(account.ID(ref))
	} else {
		return nil, noSuch("account")
	}
	a, err := q.Only(ctx)
	return a, missing(err, "account")
}

// DestinationByRef finds a destination that the viewer may read by its id, or by
// the integer that it had in the seed system.
func (p *Pusher) DestinationByRef(ctx context.Context, ref string) (*ent.Destination, error) {
	if err := auth.Require(ctx, auth.Read); err != nil {
		return nil, err
	}
	q := p.o.DB.Ent.Destination.Query()
	if seed, ok := seedID(ref); ok {
		q.Where(destination.SeedID(seed))
	} else if id.Is(id.Destination, ref) {
		q.Where(destination.ID(ref))
	} else {
		return nil, noSuch("destination")
	}
	d, err := q.Only(ctx)
	return d, missing(err, "destination")
}

// seedID reads an integer as it stands in JSON: no sign, no leading zero.
func seedID(ref string) (int64, bool) {
	n, err := strconv.ParseInt(ref, 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == ref && n >= 0
}
