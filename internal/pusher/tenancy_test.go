package pusher_test

import (
	"cmp"
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/ent/token"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/problem"
	"datapusher/internal/pusher"
	"datapusher/internal/testutil/dbtest"
)

// TestAForeignIDAnswersLikeAMissingOne walks every command on existing things: in
// words, and by the statements that are run.
func TestAForeignIDAnswersLikeAMissingOne(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		db, heard := dbtest.Listen(db)
		w := newWorld(t, db)
		a, _ := w.account(t, "jane@example.com")
		d := w.destination(w.admin, t, a.ID)
		tok := db.Ent.Token.Query().Where(token.AccountID(a.ID)).OnlyX(w.system)
		b, joe := w.account(t, "joe@example.com")
		e := w.event(a.ID, "1")
		dlv := w.delivery(e, d, func(c *ent.DeliveryCreate) { failedOnce(c, w.now.Add(time.Hour)) })
		rpl, _, err := w.ReplayEvents(w.admin, pusher.ReplayEventsInput{Filter: pusher.ReplayFilterInput{AccountID: &a.ID}})
		require.NoError(t, err)
		joes, joesEvent := w.destination(w.admin, t, b.ID), w.event(b.ID, "1")
		w.engine.forget()

		commands := map[string]struct {
			foreign string
			run     func(ctx context.Context, ref string) error
		}{
			"updateAccount": {a.ID, func(ctx context.Context, ref string) error {
				_, err := w.UpdateAccount(ctx, pusher.UpdateAccountInput{ID: ref, Name: new("x")})
				return err
			}},
			"deleteAccount": {a.ID, func(ctx context.Context, ref string) error {
				return w.DeleteAccount(ctx, pusher.DeleteAccountInput{ID: ref})
			}},
			"createToken": {a.ID, func(ctx context.Context, ref string) error {
				_, _, err := w.CreateToken(ctx, pusher.CreateTokenInput{AccountID: ref, Name: "x", Scopes: auth.Scopes})
				return err
			}},
			"revokeToken": {tok.ID, func(ctx context.Context, ref string) error {
				_, err := w.RevokeToken(ctx, pusher.RevokeTokenInput{ID: ref})
				return err
			}},
			"rotateToken": {tok.ID, func(ctx context.Context, ref string) error {
				_, _, err := w.RotateToken(ctx, pusher.RotateTokenInput{ID: ref})
				return err
			}},
			"rotateSecretToken": {a.ID, func(ctx context.Context, ref string) error {
				_, _, err := w.RotateSecretToken(ctx, pusher.RotateSecretTokenInput{AccountID: ref})
				return err
			}},
			"createDestination": {a.ID, func(ctx context.Context, ref string) error {
				_, _, err := w.CreateDestination(ctx, pusher.CreateDestinationInput{AccountID: ref, URL: "https://example.com"})
				return err
			}},
			"updateDestination": {d.ID, func(ctx context.Context, ref string) error {
				_, err := w.UpdateDestination(ctx, pusher.UpdateDestinationInput{ID: ref, Enabled: new(true)})
				return err
			}},
			"deleteDestination": {d.ID, func(ctx context.Context, ref string) error {
				return w.DeleteDestination(ctx, pusher.DeleteDestinationInput{ID: ref})
			}},
			"rotateSigningSecret": {d.ID, func(ctx context.Context, ref string) error {
				_, _, err := w.RotateSigningSecret(ctx, pusher.RotateSigningSecretInput{DestinationID: ref})
				return err
			}},
			"pauseDestination": {d.ID, func(ctx context.Context, ref string) error {
				_, err := w.PauseDestination(ctx, pusher.PauseDestinationInput{DestinationID: ref})
				return err
			}},
			"resumeDestination": {d.ID, func(ctx context.Context, ref string) error {
				_, err := w.ResumeDestination(ctx, pusher.ResumeDestinationInput{DestinationID: ref})
				return err
			}},
			"retryDelivery": {dlv.ID, func(ctx context.Context, ref string) error {
				_, err := w.RetryDelivery(ctx, pusher.RetryDeliveryInput{DeliveryID: ref})
				return err
			}},
			"cancelDelivery": {dlv.ID, func(ctx context.Context, ref string) error {
				_, err := w.CancelDelivery(ctx, pusher.CancelDeliveryInput{DeliveryID: ref})
				return err
			}},
			"postponeDelivery": {dlv.ID, func(ctx context.Context, ref string) error {
				_, err := w.PostponeDelivery(ctx, pusher.PostponeDeliveryInput{DeliveryID: ref, Until: w.now.Add(time.Minute)})
				return err
			}},
			"replayEvent": {e.ID, func(ctx context.Context, ref string) error {
				_, err := w.ReplayEvent(ctx, pusher.ReplayEventInput{EventID: ref})
				return err
			}},
			"replayEvent, to": {d.ID, func(ctx context.Context, ref string) error {
				_, err := w.ReplayEvent(ctx, pusher.ReplayEventInput{EventID: joesEvent.ID, DestinationIDs: []string{joes.ID, ref}})
				return err
			}},
			"replayEvents": {a.ID, func(ctx context.Context, ref string) error {
				ref = cmp.Or(ref, "x") // none is one's own
				_, _, err := w.ReplayEvents(ctx, pusher.ReplayEventsInput{Filter: pusher.ReplayFilterInput{AccountID: &ref}})
				return err
			}},
			"replayEvents, to": {d.ID, func(ctx context.Context, ref string) error {
				_, _, err := w.ReplayEvents(ctx, pusher.ReplayEventsInput{DestinationIDs: []string{joes.ID, ref}})
				return err
			}},
			"pauseReplay": {rpl.ID, func(ctx context.Context, ref string) error {
				_, err := w.PauseReplay(ctx, pusher.PauseReplayInput{ID: ref})
				return err
			}},
			"resumeReplay": {rpl.ID, func(ctx context.Context, ref string) error {
				_, err := w.ResumeReplay(ctx, pusher.ResumeReplayInput{ID: ref})
				return err
			}},
			"cancelReplay": {rpl.ID, func(ctx context.Context, ref string) error {
				_, err := w.CancelReplay(ctx, pusher.CancelReplayInput{ID: ref})
				return err
			}},
			"sendTestEvent": {d.ID, func(ctx context.Context, ref string) error {
				_, _, err := w.SendTestEvent(ctx, pusher.SendTestEventInput{DestinationID: ref})
				return err
			}},
			"previewDelivery": {d.ID, func(ctx context.Context, ref string) error {
				_, err := w.PreviewDelivery(ctx, pusher.PreviewDeliveryInput{DestinationID: ref})
				return err
			}},
			"previewDelivery, of": {e.ID, func(ctx context.Context, ref string) error {
				_, err := w.PreviewDelivery(ctx, pusher.PreviewDeliveryInput{DestinationID: joes.ID, EventID: &ref})
				return err
			}},
			"accountByRef":     {a.ID, func(ctx context.Context, ref string) error { _, err := w.AccountByRef(ctx, ref); return err }},
			"destinationByRef": {d.ID, func(ctx context.Context, ref string) error { _, err := w.DestinationByRef(ctx, ref); return err }},
		}
		requireAllCommands(t, commands)
		w.changed = nil
		actions := db.Ent.Action.Query().CountX(w.system)
		for name, c := range commands {
			var foreign, missing error
			ran := heard.ShapesDuring(func() { foreign = c.run(joe, c.foreign) })
			runs := heard.ShapesDuring(func() { missing = c.run(joe, id.New(id.Prefix(c.foreign[:3]), w.now)) })
			requireCode(t, problem.NotFound, foreign)
			require.Equal(t, foreign.Error(), missing.Error(), name)
			require.NotEmpty(t, ran, name)
			require.Equal(t, runs, ran, "%s runs other statements", name)
			for _, malformed := range []string{"", "x", "acc_\x00", "99999999999999999999", "7"} {
				require.Equal(t, foreign.Error(), c.run(joe, malformed).Error(), "%s %q", name, malformed)
			}
			requireCode(t, problem.Unauthenticated, c.run(t.Context(), c.foreign))
			requireCode(t, problem.Forbidden, c.run(auth.With(t.Context(), &auth.Viewer{
				Kind: auth.Account, AccountID: a.ID, Scopes: []auth.Scope{auth.Ingest},
			}), c.foreign))
		}
		require.Empty(t, w.changed)
		w.engine.requireSilent(t)
		require.Equal(t, actions, db.Ent.Action.Query().CountX(w.system))
		require.Equal(t, 2, db.Ent.Event.Query().CountX(w.system))
		require.Equal(t, dlv.Run, w.reload(dlv).Run)
		require.Equal(t, "Jane", db.Ent.Account.GetX(w.system, a.ID).Name)
		require.Equal(t, d.SigningSecrets, db.Ent.Destination.GetX(w.system, d.ID).SigningSecrets)
		require.Nil(t, db.Ent.Token.Query().Where(token.AccountID(a.ID)).OnlyX(w.system).RevokedAt)
	})
}

// requireAllCommands has a command that is new tested, too.
func requireAllCommands[C any](t *testing.T, commands map[string]C) {
	t.Helper()
	tested := map[string]bool{
		"CreateAccount": true, // names nothing that exists
		"SignIn":        true, // nor do these
		"SignOut":       true,
		// The operator's alone, whatever it names: TestAnAccountDoesNotSetItsOwnNetworks.
		"SetAccountEgress": true,
		// TestPortalLinksAreTheOperatorsToMake.
		"CreatePortalLink": true, "RevokePortalLinks": true,
	}
	for name := range commands {
		name, _, _ = strings.Cut(name, ",")
		tested[strings.ToUpper(name[:1])+name[1:]] = true
	}
	for m := range reflect.TypeFor[*pusher.Pusher]().Methods() {
		require.True(t, tested[m.Name], "%s is not tested with a foreign id", m.Name)
	}
}

func TestRefs(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		a, jane := w.account(t, "jane@example.com")
		_, joe := w.account(t, "joe@example.com")
		d := w.destination(jane, t, a.ID)
		a.Update().SetSeedID(7).ExecX(w.system)
		d.Update().SetSeedID(0).ExecX(w.system)
		for _, ref := range []string{"7", a.ID} {
			got, err := w.AccountByRef(jane, ref)
			require.NoError(t, err)
			require.Equal(t, a.ID, got.ID)
		}
		for _, ref := range []string{"0", d.ID} {
			got, err := w.DestinationByRef(w.admin, ref)
			require.NoError(t, err)
			require.Equal(t, d.ID, got.ID)
		}
		for _, ref := range []string{"07", "+7", "-7", " 7", "7.0", "8", d.ID} {
			_, err := w.AccountByRef(jane, ref)
			requireCode(t, problem.NotFound, err)
		}
		_, err := w.AccountByRef(joe, "7")
		requireCode(t, problem.NotFound, err)
	})
}
