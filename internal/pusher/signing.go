package pusher

import (
	"context"
	"time"

	"datapusher/ent"
	"datapusher/internal/problem"
	"datapusher/internal/sender"
	"datapusher/internal/vault"
)

// defaultSigningOverlap is long enough to configure a receiver by hand.
const defaultSigningOverlap = 24 * time.Hour

// RotateSigningSecretInput names a destination and how long its old signing
// secret is used beside the new one: 0s to 7d; nil is 24h.
type RotateSigningSecretInput struct {
	DestinationID string
	Overlap       *time.Duration
}

func (in RotateSigningSecretInput) fields() (f problem.Fields) {
	checkOverlap(&f, in.Overlap)
	return f
}

// Validate says everything that is wrong with the input.
func (in RotateSigningSecretInput) Validate() error { return in.fields().Err() }

// RotateSigningSecret gives a destination a new signing secret, shown here and
// never again. Until the overlap is over deliveries carry a signature of each.
func (p *Pusher) RotateSigningSecret(ctx context.Context, in RotateSigningSecretInput) (*ent.Destination, string, error) {
	if err := begin(ctx, in); err != nil {
		return nil, "", err
	}
	overlap := defaultSigningOverlap
	if in.Overlap != nil {
		overlap = *in.Overlap
	}
	key := sender.NewSecret()
	d, err := p.changeDestination(ctx, in.DestinationID, func(d *ent.Destination, u *ent.DestinationUpdateOne) error {
		old, err := vault.OpenSecrets(p.o.Box, d.ID, d.AccountID, d.SigningSecrets)
		if err != nil {
			return err
		}
		secrets, err := rotate(old, key, p.now(), overlap)
		if err != nil {
			return err
		}
		sealed, err := vault.SealSecrets(p.o.Box, d.ID, d.AccountID, secrets)
		u.SetSigningSecrets(sealed)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return d, sender.FormatSecret(key), nil
}

// rotate puts a new key before those that are still valid and lets them end with
// the overlap. One that ends sooner keeps its end.
func rotate(old []vault.SigningSecret, key []byte, now time.Time, overlap time.Duration) ([]vault.SigningSecret, error) {
	end := now.Add(overlap).Truncate(time.Microsecond)
	secrets := []vault.SigningSecret{{Key: key}}
	for _, s := range old {
		if s.ExpiresAt == nil || s.ExpiresAt.After(end) {
			s.ExpiresAt = &end
		}
		if s.Valid(now) {
			secrets = append(secrets, s)
		}
	}
	if len(secrets) > MaxSigningSecrets {
		return nil, problem.New(problem.Conflict,
			"%d signing secrets are valid already: rotate with overlap 0s, or wait until one has ended", MaxSigningSecrets)
	}
	return secrets, nil
}
