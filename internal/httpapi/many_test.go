package httpapi_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"datapusher/ent"
	"datapusher/internal/auth"
	"datapusher/internal/database"
	"datapusher/internal/httpapi"
	"datapusher/internal/id"
)

const listed = httpapi.Listed

// insertMany adds n accounts, and n+1 destinations to one of them.
func insertMany(t *testing.T, db *database.DB, accountID string, n int) {
	t.Helper()
	system := auth.AsSystem(t.Context())
	accounts := make([]*ent.AccountCreate, n)
	destinations := make([]*ent.DestinationCreate, n+1)
	for i := range accounts {
		accounts[i] = db.Ent.Account.Create().SetName("many").SetEmail(fmt.Sprintf("%d@example.com", i))
	}
	for i := range destinations {
		destinations[i] = db.Ent.Destination.Create().SetID(id.New(id.Destination, time.Now())).
			SetAccountID(accountID).SetURL("https://example.com").SetSigningSecrets([]byte{1})
	}
	require.NoError(t, db.Ent.Account.CreateBulk(accounts...).Exec(system))
	require.NoError(t, db.Ent.Destination.CreateBulk(destinations...).Exec(system))
}
