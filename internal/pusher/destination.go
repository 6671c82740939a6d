package pusher

import (
	"context"
	"time"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/ent/destination"
	"datapusher/internal/audit"
	"datapusher/internal/id"
	"datapusher/internal/problem"
	"datapusher/internal/sender"
	"datapusher/internal/vault"
)

// CreateDestinationInput is what a new destination needs.
type CreateDestinationInput struct {
	AccountID  string
	URL        string
	HTTPMethod *destination.HTTPMethod // nil: POST
	Headers    []sender.Header
	Name       *string

	RetrySchedule []time.Duration // none: the default
	Timeout       *time.Duration  // nil and 0: the default
	GiveUpAfter   *time.Duration  // nil and 0: never

	SigningAlgorithm *destination.SigningAlgorithm // nil: HMAC-SHA256
	SigningSecret    *string                       // nil: a new one
}

func (in CreateDestinationInput) fields() (f problem.Fields) {
	checkDestination(&f, in.Name, &in.URL, in.HTTPMethod, in.Headers)
	in.trying().check(&f)
	checkSigning(&f, in.SigningAlgorithm, in.SigningSecret)
	return f
}

func (in CreateDestinationInput) trying() trying {
	return trying{in.RetrySchedule, in.Timeout, in.GiveUpAfter}
}

// Validate says everything that is wrong with the input.
func (in CreateDestinationInput) Validate() error { return in.fields().Err() }

func checkDestination(f *problem.Fields, name, url *string, method *destination.HTTPMethod, headers []sender.Header) {
	if name != nil {
		checkText(f, "name", *name, maxName)
	}
	if url != nil {
		if err := sender.CheckURL(*url); err != nil {
			f.Add("url", "%s", err)
		}
	}
	if method != nil {
		if err := sender.CheckMethod(string(*method)); err != nil {
			f.Add("httpMethod", "%s", err)
		}
	}
	*f = append(*f, sender.CheckHeaders(headers)...)
}

// CreateDestination makes a destination. What its receiver verifies with is shown
// here and never again: the secret ("whsec_…"), or for Ed25519 the public key
// ("whpk_…").
func (p *Pusher) CreateDestination(ctx context.Context, in CreateDestinationInput) (*ent.Destination, string, error) {
	if err := begin(ctx, in); err != nil {
		return nil, "", err
	}
	now := p.now()
	self := id.New(id.Destination, now)
	key, err := newKey(in.SigningAlgorithm, in.SigningSecret)
	if err != nil {
		return nil, "", err
	}
	var made *ent.Destination
	err = p.tx(ctx, func(tx *ent.Client) error {
		a, err := p.lock(ctx, tx, in.AccountID)
		if err != nil {
			return err
		}
		if err := roomForDestination(ctx, tx, a.ID); err != nil {
			return err
		}
		headers, err := vault.SealHeaders(p.o.Box, self, a.ID, in.Headers)
		if err != nil {
			return err
		}
		secrets, err := vault.SealSecrets(p.o.Box, self, a.ID, []vault.SigningSecret{secretOf(key)})
		if err != nil {
			return err
		}
		c := tx.Destination.Create().
			SetID(self).SetCreatedAt(now).SetUpdatedAt(now).
			SetAccountID(a.ID).SetURL(in.URL).SetNillableHTTPMethod(in.HTTPMethod).
			SetSigningSecrets(secrets).SetNillableSigningAlgorithm(in.SigningAlgorithm)
		in.trying().set(c.Mutation())
		if headers != nil {
			c.SetHeaders(headers)
		}
		if deref(in.Name) != "" {
			c.SetName(*in.Name)
		}
		if made, err = c.Save(ctx); err != nil {
			return err
		}
		return p.note(ctx, tx, a.ID, made.ID, action.KindCreate, nil, audit.Made(audit.Destination(p.o.Box, made)))
	})
	if err != nil {
		return nil, "", err
	}
	p.o.Changed(made.AccountID)
	return made.Unwrap(), key.Public(), nil
}

func roomForDestination(ctx context.Context, tx *ent.Client, accountID string) error {
	n, err := tx.Destination.Query().Where(destination.AccountID(accountID)).Count(ctx)
	if err != nil {
		return err
	}
	if n >= MaxDestinations {
		return problem.New(problem.Conflict, "the account has %d destinations: delete one that is not used", MaxDestinations)
	}
	return nil
}
