package dbcopy

import (
	"context"

	"datapusher/internal/database"
)

// CopyInBatches is Copy with batches of so many rows.
func CopyInBatches(ctx context.Context, from, to *database.DB, rows int, tell func(Progress)) ([]Table, error) {
	return copyBatches(ctx, from, to, full{rows: rows, bytes: usual.bytes}, tell)
}

// BatchBytes is when a batch is full.
var BatchBytes = usual.bytes
