package httpapi

import (
	"context"
	"net/http"

	"datapusher/ent"
	"datapusher/ent/account"
	"datapusher/internal/id"
	"datapusher/internal/pusher"
)

// The seed's names of an account's fields.
const (
	accountName  = "account_name"
	emailName    = "email"
	websiteName  = "website"
	updatedText  = "Updated Successfully"
	deletedText  = "Deleted Successfully"
	accountAdded = "Account Created Successfully"
)

var accountFields = map[string]string{"name": accountName}

// seedAccount is an account in the seed's shape.
type seedAccount struct {
	AccountID   any    `json:"account_id"` // the seed's integer where it had one
	AccountName string `json:"account_name"`
	Email       string `json:"email"`
	Website     string `json:"website"`
	SecretToken string `json:"secret_token,omitempty"` // at its creation alone
}

func shownAccount(a *ent.Account) seedAccount {
	return seedAccount{AccountID: shownID(a.ID, a.SeedID), AccountName: a.Name, Email: a.Email, Website: a.Website}
}

// shownID is how a row is named to the seed's clients: by the integer that they
// know it by, if there is one.
func shownID(own string, seed *int64) any {
	if seed != nil {
		return *seed
	}
	return own
}

// createAccount takes {account_name, email, website?}.
func (a *api) createAccount(w http.ResponseWriter, r *http.Request) error {
	ctx, in, err := a.change(w, r, accountName, emailName, websiteName)
	if err != nil {
		return err
	}
	in.need(accountName, emailName)
	input := pusher.CreateAccountInput{Name: value(in.text(accountName)), Email: value(in.text(emailName)), Website: in.optional(websiteName)}
	if err := in.broken.Err(); err != nil {
		return err
	}
	made, secret, err := a.Pusher.CreateAccount(ctx, input)
	if err != nil {
		return seedNames(err, accountFields)
	}
	data := shownAccount(made)
	data.SecretToken = secret
	return writeSeed(w, seedAnswer{Message: accountAdded, Data: data})
}

// updateAccount takes {account_id, account_name? email? website?}.
func (a *api) updateAccount(w http.ResponseWriter, r *http.Request) error {
	recordOf(r).tell = tellSeed(accountTexts)
	ctx, in, err := a.change(w, r, accountIDName, accountName, emailName, websiteName)
	if err != nil {
		return err
	}
	target, err := a.targetAccount(ctx, in)
	if err != nil {
		return err
	}
	input := pusher.UpdateAccountInput{
		ID: target.ID, Name: in.text(accountName), Email: in.text(emailName), Website: in.optional(websiteName),
	}
	if err := in.broken.Err(); err != nil {
		return err
	}
	changed, err := a.Pusher.UpdateAccount(ctx, input)
	if err != nil {
		return seedNames(err, accountFields)
	}
	return writeSeed(w, seedAnswer{Message: updatedText, Data: shownAccount(changed)})
}

// deleteAccount takes {account_id}.
func (a *api) deleteAccount(w http.ResponseWriter, r *http.Request) error {
	recordOf(r).tell = tellSeed(accountTexts)
	ctx, in, err := a.change(w, r, accountIDName)
	if err != nil {
		return err
	}
	target, err := a.targetAccount(ctx, in)
	if err != nil {
		return err
	}
	if err := a.Pusher.DeleteAccount(ctx, pusher.DeleteAccountInput{ID: target.ID}); err != nil {
		return err
	}
	return writeSeed(w, seedAnswer{Message: deletedText})
}

// targetAccount finds the account that a change is about.
func (a *api) targetAccount(ctx context.Context, in *seedInput) (*ent.Account, error) {
	in.need(accountIDName)
	ref := in.reference(accountIDName)
	if err := in.broken.Err(); err != nil {
		return nil, err
	}
	return a.Pusher.AccountByRef(ctx, ref)
}

// getAccount answers the account of ?account_id=, or without it all that the
// viewer sees: at most 1,000 in the order of their creation, and those after
// ?after= where next says so. It never shows a token.
func (a *api) getAccount(w http.ResponseWriter, r *http.Request) error {
	ctx, _, err := a.reader(r)
	if err != nil {
		return err
	}
	q, err := seedQuery(r, accountIDName, afterName)
	if err != nil {
		return err
	}
	if ref := q[accountIDName]; ref != "" {
		found, err := a.Pusher.AccountByRef(ctx, ref)
		if err != nil {
			return err
		}
		return writeSeed(w, seedAnswer{Data: shownAccount(found)})
	}
	query := a.DB.Ent.Account.Query()
	if after := q[afterName]; after != "" {
		if !id.Is(id.Account, after) {
			return badAfter()
		}
		query.Where(account.IDGT(after))
	}
	rows, err := query.Order(account.ByID()).Limit(listed + 1).All(ctx)
	if err != nil {
		return err
	}
	rows, next := page(rows, func(a *ent.Account) string { return a.ID })
	data := make([]seedAccount, len(rows))
	for i, row := range rows {
		data[i] = shownAccount(row)
	}
	return writeSeed(w, seedAnswer{Data: data, Next: next})
}
