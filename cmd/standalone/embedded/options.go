package embedded

import (
	"log/slog"
	"maps"
	"path/filepath"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/headers"
)

// Version is the version of the Temporal server that is linked in, such as "1.32.0".
const Version = headers.ServerVersion

// DefaultNamespace is the namespace that is used where none is named.
const DefaultNamespace = "default"

// Retention is how long a closed workflow stays visible in a namespace that
// [Start] creates. It outlasts a weekend, and bounds what an operator's laptop keeps.
const Retention = 72 * time.Hour

// Options say where a server listens and what it keeps its state in.
type Options struct {
	// Listen is host:port of the frontend, the one gRPC endpoint that clients
	// and workers use. Empty means 127.0.0.1:0; port 0 means a free port.
	Listen string
	// UIListen is host:port of the web UI. Empty means no UI; port 0 means a
	// free port. The UI knows no credentials, so it belongs on loopback.
	UIListen string

	// Store is a path of a SQLite file (see [SQLiteFile]), a postgres:// URL,
	// or empty for a database in memory, which ends with the process. Files and
	// databases that are missing are created. With Postgres, what lists and
	// searches workflows is kept in a second database, <name>_visibility (with a
	// digest in place of the end of a name of more than 52 bytes).
	Store string

	// Namespace is created at start if it is missing. Empty means [DefaultNamespace].
	Namespace string
	// SearchAttributes are registered in Namespace at start, those of them that
	// are missing. SQL stores have room for three of type KeywordList.
	SearchAttributes map[string]enumspb.IndexedValueType

	// FaultRate is the share, up to 1, of what the server asks its store for that
	// fails, half of the writes after they were made: to test what is built on it.
	FaultRate float64

	// Logger gets what the server and the UI log, from LogLevel upwards.
	// nil means [slog.Default].
	Logger *slog.Logger
	// LogLevel is the least level that is logged. nil means [slog.LevelWarn]:
	// the server is chatty.
	LogLevel slog.Leveler
}

var deliveryAttributes = map[string]enumspb.IndexedValueType{
	"AccountIds":     enumspb.INDEXED_VALUE_TYPE_KEYWORD_LIST,
	"DestinationIds": enumspb.INDEXED_VALUE_TYPE_KEYWORD_LIST,
	"DeliveryIds":    enumspb.INDEXED_VALUE_TYPE_KEYWORD_LIST,
}

// DeliverySearchAttributes are the search attributes that delivery workflows
// set, for [Options].
func DeliverySearchAttributes() map[string]enumspb.IndexedValueType {
	return maps.Clone(deliveryAttributes)
}

// SQLiteFile is where the server keeps its state in a data directory. The name
// carries the server's version: a newer server does not migrate the SQLite file
// of an older one, so each version begins with its own. Nothing is lost by that,
// for whatever is pending is handed over again from the product's own database.
func SQLiteFile(dir string) string {
	return filepath.Join(dir, "temporal-"+Version+".db")
}

func (o Options) withDefaults() Options {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Namespace == "" {
		o.Namespace = DefaultNamespace
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.LogLevel == nil {
		o.LogLevel = slog.LevelWarn
	}
	return o
}
