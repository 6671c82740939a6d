// Package seed brings over what the seed system holds: a Django app on SQLite.
//
// Accounts keep their secret token (stored hashed) and, where their key was an
// integer, that integer as an alias, which the seed's doors go on to take.
// Destinations keep theirs too and get a signing secret. An import may be
// repeated: what is known by its alias, or by its e-mail and token, is left as
// it is. What cannot be taken over is reported and does not stop the rest.
package seed

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"entgo.io/ent/privacy"

	"datapusher/ent"
	entaccount "datapusher/ent/account"
	"datapusher/ent/action"
	entdestination "datapusher/ent/destination"
	"datapusher/ent/token"
	"datapusher/internal/audit"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/id"
	"datapusher/internal/pusher"
	"datapusher/internal/sender"
	"datapusher/internal/vault"
)

// importer brings one file over.
type importer struct {
	db     *database.DB
	box    vault.Box
	report Report
}

// Import reads a seed system's SQLite file, which it does not change, and adds
// what is new to the database. The error tells that it could not go on; what was
// added until then stays, and the import may be repeated.
func Import(ctx context.Context, db *database.DB, box vault.Box, file string) (*Report, error) {
	ctx = auth.AsSystem(ctx)
	source, err := database.OpenForeignSQLite(ctx, file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = source.Close() }()
	accounts, destinations, err := read(ctx, source)
	if err != nil {
		return nil, err
	}
	im := &importer{db: db, box: box}
	of := make(map[string][]destination)
	for _, d := range destinations {
		of[d.account] = append(of[d.account], d)
	}
	for _, a := range accounts {
		if err := im.account(ctx, a, of[a.key]); err != nil {
			return &im.report, fmt.Errorf("account %s: %w", a.key, err)
		}
		delete(of, a.key)
	}
	for key, lost := range of {
		im.report.Destinations.Refused += len(lost)
		im.report.note("%d destination(s) of account %s: there is no such account in the file", len(lost), key)
	}
	return &im.report, nil
}

// account brings one account over with its destinations, in one transaction.
func (im *importer) account(ctx context.Context, a account, destinations []destination) error {
	tx, err := im.db.Ent.Tx(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	before := im.report
	owner, err := im.owner(ctx, tx.Client(), a)
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		im.report.Accounts.Refused++
		im.report.Destinations.Refused += len(destinations)
		im.report.note("account %s (%s): %s; its %d destination(s) are not taken over either", a.key, a.name, refused, len(destinations))
		return nil
	}
	if err != nil {
		return err
	}
	for _, d := range destinations {
		if err := im.destination(ctx, tx.Client(), owner, d); err != nil {
			im.report = before
			return fmt.Errorf("destination %s: %w", d.key, err)
		}
	}
	if err := tx.Commit(); err != nil {
		im.report = before
		return err
	}
	return nil
}

// evenDeleted lets a query see soft-deleted rows: their aliases are taken.
func evenDeleted(ctx context.Context) context.Context {
	return privacy.DecisionContext(ctx, privacy.Allow)
}

// refusal says why a row is not taken over.
type refusal struct{ reason string }

// Error implements error.
func (r *refusal) Error() string { return r.reason }

// owner finds the account that was imported before, or makes it.
func (im *importer) owner(ctx context.Context, tx *ent.Client, a account) (*ent.Account, error) {
	known, err := im.known(ctx, tx, a)
	if err != nil {
		return nil, err
	}
	if known != nil {
		im.report.Accounts.Present++
		return known, nil
	}
	in := pusher.CreateAccountInput{Name: a.name, Email: a.email}
	if a.website != "" {
		in.Website = &a.website
	}
	if err := in.Validate(); err != nil {
		return nil, &refusal{err.Error()}
	}
	if a.token == "" {
		return nil, &refusal{"it has no secret token"}
	}
	made, err := tx.Account.Create().SetID(id.New(id.Account, time.Now())).SetNillableSeedID(alias(a.key)).
		SetName(a.name).SetEmail(strings.ToLower(strings.TrimSpace(a.email))).SetNillableWebsite(in.Website).Save(ctx)
	if err != nil {
		return nil, err
	}
	scopes := make([]string, len(auth.Scopes))
	for i, s := range auth.Scopes {
		scopes[i] = string(s)
	}
	err = tx.Token.Create().SetID(id.New(id.Token, time.Now())).SetAccountID(made.ID).SetName("secret token").SetFirst(true).
		SetScopes(scopes).SetHash(auth.HashOf(a.token)).SetPrefix(auth.PrefixOf(a.token)).Exec(ctx)
	if err != nil {
		return nil, err
	}
	if err := note(ctx, tx, made.ID, made.ID, audit.Account(made)); err != nil {
		return nil, err
	}
	if alias(a.key) == nil {
		im.report.note("account %s (%s): its key is no integer, so it is known as %s alone", a.key, a.name, made.ID)
	}
	im.report.Accounts.Added++
	return made, nil
}

// known is the account that an earlier import made; a refusal when the e-mail is
// another account's.
func (im *importer) known(ctx context.Context, tx *ent.Client, a account) (*ent.Account, error) {
	if n := alias(a.key); n != nil {
		found, err := tx.Account.Query().Where(entaccount.SeedID(*n)).Only(evenDeleted(ctx))
		if err == nil && found.DeletedAt != nil {
			return nil, &refusal{"it was imported before and has been deleted since"}
		}
		if !ent.IsNotFound(err) {
			return found, err
		}
	}
	found, err := tx.Account.Query().Where(entaccount.Email(strings.ToLower(strings.TrimSpace(a.email)))).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	same, err := tx.Token.Query().Where(token.AccountID(found.ID), token.Hash(auth.HashOf(a.token))).Exist(ctx)
	if err != nil {
		return nil, err
	}
	if !same || alias(a.key) != nil {
		return nil, &refusal{"another account has its e-mail address"}
	}
	return found, nil
}

// destination brings one destination over.
func (im *importer) destination(ctx context.Context, tx *ent.Client, owner *ent.Account, d destination) error {
	method := entdestination.HTTPMethod(strings.ToUpper(strings.TrimSpace(d.method)))
	known := tx.Destination.Query().Where(entdestination.AccountID(owner.ID), entdestination.URL(d.url), entdestination.HTTPMethodEQ(method))
	if n := alias(d.key); n != nil {
		known = tx.Destination.Query().Where(entdestination.SeedID(*n))
	}
	if present, err := known.Exist(evenDeleted(ctx)); err != nil || present {
		im.report.Destinations.Present++
		return err
	}
	headers, dropped, err := parseHeaders(d.headers)
	if err == nil {
		err = pusher.CreateDestinationInput{AccountID: owner.ID, URL: d.url, HTTPMethod: &method, Headers: headers}.Validate()
	}
	if err != nil {
		im.report.Destinations.Refused++
		im.report.note("destination %s of account %s: %v", d.key, owner.ID, err)
		return nil
	}
	for _, reason := range dropped {
		im.report.note("destination %s of account %s: a header is left out: %s", d.key, owner.ID, reason)
	}
	to := id.New(id.Destination, time.Now())
	sealed, err := vault.SealHeaders(im.box, to, owner.ID, headers)
	if err != nil {
		return err
	}
	secrets, err := vault.SealSecrets(im.box, to, owner.ID, []vault.SigningSecret{{Key: sender.NewSecret()}})
	if err != nil {
		return err
	}
	row := tx.Destination.Create().SetID(to).SetAccountID(owner.ID).SetNillableSeedID(alias(d.key)).
		SetURL(d.url).SetHTTPMethod(method).SetSigningSecrets(secrets)
	if sealed != nil {
		row.SetHeaders(sealed)
	}
	made, err := row.Save(ctx)
	if err != nil {
		return err
	}
	im.report.Destinations.Added++
	return note(ctx, tx, owner.ID, made.ID, audit.Destination(im.box, made))
}

// note records what has come over, in the transaction that adds it.
func note(ctx context.Context, tx *ent.Client, accountID, subjectID string, made audit.Facts) error {
	return audit.Write(ctx, tx, time.Now(), audit.Entry{
		AccountID: accountID, SubjectID: subjectID, Kind: action.KindImport, Change: audit.Made(made),
	})
}
