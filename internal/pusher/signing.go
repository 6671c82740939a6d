package pusher

import (
	"bytes"
	"context"
	"time"

	"datapusher/ent"
	"datapusher/ent/action"
	"datapusher/ent/destination"
	"datapusher/internal/problem"
	"datapusher/internal/sender"
	"datapusher/internal/vault"
)

// defaultSigningOverlap is long enough to configure a receiver by hand.
const defaultSigningOverlap = 24 * time.Hour

// checkSigning looks at a secret of one's own: Ed25519 has none, its private key
// never leaves this program.
func checkSigning(f *problem.Fields, algorithm *destination.SigningAlgorithm, secret *string) {
	if algorithm != nil && destination.SigningAlgorithmValidator(*algorithm) != nil {
		f.Add("signingAlgorithm", "must be HMAC_SHA256 or ED25519")
	}
	if secret == nil {
		return
	}
	if isEd25519(algorithm) {
		f.Add("signingSecret", "must be left out with ED25519: the key is made here")
	} else if _, err := sender.ParseSecret(*secret); err != nil {
		f.Add("signingSecret", "%s", err)
	}
}

func isEd25519(algorithm *destination.SigningAlgorithm) bool {
	return algorithm != nil && *algorithm == destination.SigningAlgorithmEd25519
}

// newKey is the given secret's key, or a new one.
func newKey(algorithm *destination.SigningAlgorithm, secret *string) (sender.Key, error) {
	if secret == nil {
		return sender.NewKey(isEd25519(algorithm)), nil
	}
	key, err := sender.ParseSecret(*secret)
	return sender.Key{Bytes: key}, err
}

func secretOf(key sender.Key) vault.SigningSecret {
	return vault.SigningSecret{Ed25519: key.Ed25519, Key: key.Bytes}
}

// RotateSigningSecretInput names a destination and how long its old signing
// secret is used beside the new one: 0s to 7d; nil is 24h.
type RotateSigningSecretInput struct {
	DestinationID    string
	Overlap          *time.Duration
	SigningAlgorithm *destination.SigningAlgorithm // nil: the same
	SigningSecret    *string                       // nil: a new one
}

func (in RotateSigningSecretInput) fields() (f problem.Fields) {
	checkOverlap(&f, in.Overlap)
	checkSigning(&f, in.SigningAlgorithm, in.SigningSecret)
	return f
}

// Validate says everything that is wrong with the input.
func (in RotateSigningSecretInput) Validate() error { return in.fields().Err() }

// RotateSigningSecret gives a destination a new signing key, and shows here what
// its receiver verifies with, as [Pusher.CreateDestination] does. Until the
// overlap is over deliveries carry a signature of each key.
func (p *Pusher) RotateSigningSecret(ctx context.Context, in RotateSigningSecretInput) (*ent.Destination, string, error) {
	if err := begin(ctx, in); err != nil {
		return nil, "", err
	}
	overlap := defaultSigningOverlap
	if in.Overlap != nil {
		overlap = *in.Overlap
	}
	var key sender.Key
	d, err := p.changeDestination(ctx, in.DestinationID, action.KindRotate, func(_ *ent.Client, d *ent.Destination, u *ent.DestinationUpdateOne) (err error) {
		algorithm := in.SigningAlgorithm
		if algorithm == nil {
			algorithm = &d.SigningAlgorithm
		}
		var f problem.Fields
		if checkSigning(&f, algorithm, in.SigningSecret); f != nil {
			return f.Err()
		}
		if key, err = newKey(algorithm, in.SigningSecret); err != nil {
			return err
		}
		old, err := vault.OpenSecrets(p.o.Box, d.ID, d.AccountID, d.SigningSecrets)
		if err != nil {
			return err
		}
		secrets, err := rotate(old, secretOf(key), p.now(), overlap)
		if err != nil {
			return err
		}
		sealed, err := vault.SealSecrets(p.o.Box, d.ID, d.AccountID, secrets)
		u.SetSigningSecrets(sealed).SetSigningAlgorithm(*algorithm)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return d, key.Public(), nil
}

// rotate puts a new secret before those that are still valid and lets them end
// with the overlap. One that ends sooner keeps its end, and one that is the new
// one itself gives way to it.
func rotate(old []vault.SigningSecret, next vault.SigningSecret, now time.Time, overlap time.Duration) ([]vault.SigningSecret, error) {
	end := now.Add(overlap).Truncate(time.Microsecond)
	secrets := []vault.SigningSecret{next}
	for _, s := range old {
		if s.ExpiresAt == nil || s.ExpiresAt.After(end) {
			s.ExpiresAt = &end
		}
		again := s.Ed25519 == next.Ed25519 && bytes.Equal(s.Key, next.Key)
		if s.Valid(now) && !again {
			secrets = append(secrets, s)
		}
	}
	if len(secrets) > MaxSigningSecrets {
		return nil, problem.New(problem.Conflict,
			"%d signing secrets are valid already: rotate with overlap 0s, or wait until one has ended", MaxSigningSecrets)
	}
	return secrets, nil
}
