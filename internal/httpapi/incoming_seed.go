package httpapi

import (
	"net/http"

	"datapusher/internal/auth"
	"datapusher/internal/ingest"
	"datapusher/internal/jsoncheck"
	"datapusher/internal/problem"
)

// The names of the seed's form, in a body as in a query string.
const (
	accountIDName   = "account_id"
	secretTokenName = "secret_token"
	dataName        = "data"
)

// push is an event in the seed's form.
type push struct {
	account string // its id, or the integer that it had in the seed
	secret  string
	data    []byte
}

// postSeedIncoming takes {"account_id","secret_token","data"}. The event is the
// value of data, byte for byte.
func (a *api) postSeedIncoming(w http.ResponseWriter, r *http.Request) error {
	rec := recordOf(r)
	rec.tell = tellSeed(incomingTexts)
	if err := checkMedia(r.Header); err != nil {
		return err
	}
	body, err := readBody(w, r, ingest.MaxPayload)
	if err != nil {
		return err
	}
	if err := checkJSON("body", body, jsoncheck.MaxDepth+1); err != nil { // data lies in an object
		return err
	}
	in := seedObject(body, accountIDName, secretTokenName, dataName)
	if !in.has(accountIDName) && !in.has(secretTokenName) {
		// Nothing of the seed's form: an event whose credential was forgotten.
		rec.tell = tellProblem
		return a.denied(r)
	}
	in.need(accountIDName, secretTokenName, dataName)
	p := push{account: in.reference(accountIDName), secret: value(in.text(secretTokenName)), data: in.values[dataName]}
	if err := in.broken.Err(); err != nil {
		return err
	}
	return a.push(w, r, p)
}

// denied answers a request that has no credential like one that has a wrong one,
// after the same work.
func (a *api) denied(r *http.Request) error {
	if _, err := a.authenticate(r, ""); err != nil {
		return err
	}
	return auth.Denied()
}

// getIncoming takes the seed's form as query parameters. The event is the text
// of data. A header's credential, which no log of a proxy keeps, may stand for
// account_id and secret_token.
func (a *api) getIncoming(w http.ResponseWriter, r *http.Request) error {
	recordOf(r).tell = tellSeed(incomingTexts)
	c, err := credentialOf(r.Header)
	if err != nil {
		return err
	}
	q, err := seedQuery(r, accountIDName, secretTokenName, dataName)
	if err != nil {
		return err
	}
	p := push{account: q[accountIDName], secret: q[secretTokenName], data: []byte(q[dataName])}
	var broken problem.Fields
	for _, name := range []string{accountIDName, secretTokenName, dataName} {
		if q[name] == "" && (!c.given || name == dataName) {
			broken.Add(name, "must be given")
		}
	}
	if c.given && p.secret != "" && p.secret != c.secret {
		broken.Add(secretTokenName, "must be the only credential: the header carries a different one")
	}
	if err := broken.Err(); err != nil {
		return err
	}
	if c.given {
		p.secret = c.secret
	}
	return a.push(w, r, p)
}

// push takes an event whose account must be the token's own.
func (a *api) push(w http.ResponseWriter, r *http.Request, p push) error {
	v, err := a.ingester(r, p.secret)
	if err != nil {
		return err
	}
	if p.account != "" {
		if own, err := a.isAccount(r.Context(), v.AccountID, p.account); err != nil {
			return err
		} else if !own {
			return auth.Denied()
		}
	}
	e, err := describe(r.Header, v.AccountID, ingest.MaxKey)
	if err != nil {
		return err
	}
	if err := checkJSON(dataName, p.data, jsoncheck.MaxDepth); err != nil {
		return err
	}
	if err := a.quota.charge(w, v.AccountID, 1); err != nil {
		return err
	}
	e.Payload = p.data
	receipt, err := a.Ingest.Accept(r.Context(), e)
	if err != nil {
		return err
	}
	writeReceipt(w, http.StatusOK, receipt)
	return nil
}
