package cli

import (
	"context"
)

// Accounts is the command "account".
type Accounts struct {
	Ls     AccountList   `cmd:"" help:"List accounts."`
	Get    AccountGet    `cmd:"" help:"Show an account."`
	Create AccountCreate `cmd:"" help:"Make an account, with the admin token; its secret token is shown once."`
	Update AccountUpdate `cmd:"" help:"Change an account; what is not given stays."`
	Rm     AccountRm     `cmd:"" help:"Delete an account with its destinations, and revoke its tokens."`
}

var accountColumns = []column{{"id", "id"}, {"name", "name"}, {"email", "email"}, {"website", "website"}, {"created", "createdAt"}}

// AccountList is the command "account ls".
type AccountList struct {
	Remote
	Output
	Page
	Email string `help:"Only the one with this address."`
}

// Run lists accounts.
func (l *AccountList) Run(ctx context.Context, t *Terminal) error {
	c, err := l.dial()
	if err != nil {
		return err
	}
	out := l.table(t, accountColumns)
	where := object{}.text("email", l.Email)
	if err := c.list(ctx, l.Page, out, accountList, map[string]any{"where": where}, "accounts"); err != nil {
		return err
	}
	return out.end("There is no account yet: `datapusher account create` makes one.")
}

// AccountGet is the command "account get".
type AccountGet struct {
	Remote
	Output
	ID string `arg:"" help:"acc_…"`
}

// Run shows one.
func (g *AccountGet) Run(ctx context.Context, t *Terminal) error {
	c, err := g.dial()
	if err != nil {
		return err
	}
	return c.get(ctx, t, g.Output, accountColumns, accountGet, "account", g.ID)
}

// AccountCreate is the command "account create".
type AccountCreate struct {
	Remote
	Output
	Name    string `required:"" help:"What people call it."`
	Email   string `required:"" help:"Its address; unique."`
	Website string `help:"A web address of its owner."`
}

// Run makes one.
func (a *AccountCreate) Run(ctx context.Context, t *Terminal) error {
	c, err := a.dial()
	if err != nil {
		return err
	}
	made, err := c.change(ctx, createAccount, "createAccount", object{"name": a.Name, "email": a.Email}.text("website", a.Website))
	if err != nil {
		return err
	}
	return a.one(t, made, append(below("account", accountColumns), column{"secret token", "secretToken"}))
}

// below are columns of an object that lies in another one.
func below(name string, columns []column) []column {
	all := make([]column, len(columns))
	for i, c := range columns {
		all[i] = column{c.head, name + "." + c.path}
	}
	return all
}

// AccountUpdate is the command "account update".
type AccountUpdate struct {
	Remote
	Output
	ID      string  `arg:"" help:"acc_…"`
	Name    *string `help:"What people call it."`
	Email   *string `help:"Its address."`
	Website *string `help:"A web address of its owner; the empty string removes it."`
}

// Run changes one.
func (u *AccountUpdate) Run(ctx context.Context, t *Terminal) error {
	c, err := u.dial()
	if err != nil {
		return err
	}
	input := object{"id": u.ID}
	given(input, "name", u.Name)
	given(input, "email", u.Email)
	given(input, "website", u.Website)
	made, err := c.change(ctx, updateAccount, "updateAccount", input)
	if err != nil {
		return err
	}
	return u.one(t, made, below("account", accountColumns))
}

// Sure is for what is not undone.
type Sure struct {
	Yes bool `short:"y" help:"Do not ask."`
}

// AccountRm is the command "account rm".
type AccountRm struct {
	Remote
	Sure
	ID string `arg:"" help:"acc_…"`
}

// Run deletes one.
func (r *AccountRm) Run(ctx context.Context, t *Terminal) error {
	c, err := r.dial()
	if err != nil {
		return err
	}
	if err := t.confirm(r.Yes, "Delete the account %s, its destinations and what waits for them?", r.ID); err != nil {
		return err
	}
	if _, err = c.change(ctx, deleteAccount, "deleteAccount", object{"id": r.ID}); err != nil {
		return err
	}
	t.note("%s is deleted", r.ID)
	return nil
}
