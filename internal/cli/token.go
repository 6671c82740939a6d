package cli

import "context"

// Tokens is the command "token".
type Tokens struct {
	Ls     TokenList   `cmd:"" help:"List an account's tokens, without their secrets."`
	Get    TokenGet    `cmd:"" help:"Show a token, without its secret."`
	Create TokenCreate `cmd:"" help:"Make a token; its secret is shown once."`
	Rotate TokenRotate `cmd:"" help:"Give a token a successor of the same name, scopes and expiry."`
	Revoke TokenRevoke `cmd:"" help:"End a token, everywhere within a second."`
}

var tokenColumns = []column{
	{"id", "id"}, {"name", "name"}, {"prefix", "prefix"}, {"scopes", "scopes"}, {"last used", "lastUsedAt"}, {"expires", "expiresAt"}, {"revoked", "revokedAt"},
}

// TokenList is the command "token ls".
type TokenList struct {
	Remote
	Output
	Page
	Account string `help:"Whose; needed with the admin token."`
}

// Run lists tokens.
func (l *TokenList) Run(ctx context.Context, t *Terminal) error {
	c, err := l.dial()
	if err != nil {
		return err
	}
	account, err := c.account(ctx, l.Account)
	if err != nil {
		return err
	}
	out := l.table(t, tokenColumns)
	if err := c.list(ctx, l.Page, out, tokenList, map[string]any{"account": account}, "account", "tokens"); err != nil {
		return err
	}
	return out.end("The account has no token.")
}

// TokenGet is the command "token get".
type TokenGet struct {
	Remote
	Output
	ID string `arg:"" help:"tok_…"`
}

// Run shows one.
func (g *TokenGet) Run(ctx context.Context, t *Terminal) error {
	c, err := g.dial()
	if err != nil {
		return err
	}
	return c.get(ctx, t, g.Output, tokenColumns, tokenGet, "node", g.ID)
}

// TokenCreate is the command "token create".
type TokenCreate struct {
	Remote
	Output
	Account string   `help:"Whose; needed with the admin token."`
	Name    string   `required:"" help:"What people call it."`
	Scopes  []string `enum:"ingest,read,manage" default:"ingest" help:"What it may be used for: ${enum}."`
	Expires *Moment  `help:"When it ends: a time, or a span from now such as 720h. Not given: never."`
}

// Run makes one.
func (a *TokenCreate) Run(ctx context.Context, t *Terminal) error {
	c, err := a.dial()
	if err != nil {
		return err
	}
	account, err := c.account(ctx, a.Account)
	if err != nil {
		return err
	}
	input := object{"accountID": account, "name": a.Name, "scopes": upper(a.Scopes)}
	a.Expires.put(input, "expiresAt")
	made, err := c.change(ctx, createToken, "createToken", input)
	if err != nil {
		return err
	}
	return a.one(t, made, append(below("token", tokenColumns), column{"secret token", "secretToken"}))
}

// TokenRotate is the command "token rotate".
type TokenRotate struct {
	Remote
	Output
	ID      string `arg:"" help:"tok_…"`
	Overlap string `default:"0s" help:"How long the old one stays valid beside its successor: 0s to 7d."`
}

// Run rotates one.
func (r *TokenRotate) Run(ctx context.Context, t *Terminal) error {
	c, err := r.dial()
	if err != nil {
		return err
	}
	made, err := c.change(ctx, rotateToken, "rotateToken", object{"id": r.ID, "overlap": r.Overlap})
	if err != nil {
		return err
	}
	return r.one(t, made, append(below("token", tokenColumns), column{"secret token", "secretToken"}))
}

// TokenRevoke is the command "token revoke".
type TokenRevoke struct {
	Remote
	Output
	Sure
	ID string `arg:"" help:"tok_…"`
}

// Run ends one.
func (r *TokenRevoke) Run(ctx context.Context, t *Terminal) error {
	c, err := r.dial()
	if err != nil {
		return err
	}
	if err := t.confirm(r.Yes, "End the token %s? Who uses it is refused from now on.", r.ID); err != nil {
		return err
	}
	made, err := c.change(ctx, revokeToken, "revokeToken", object{"id": r.ID})
	if err != nil {
		return err
	}
	return r.one(t, made, below("token", tokenColumns))
}
