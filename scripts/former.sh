#!/bin/sh
# Builds the program of a version before from the history, and upgrades a running
# installation from it to this one, under load and back again.
# usage: former.sh <commit or tag>
set -eu
cd "$(dirname "$0")/.."
from=${1:-}
if [ -z "$from" ]; then
	echo "say from which version: make former from=<commit or tag>" >&2
	exit 2
fi
if ! git rev-parse --verify --quiet "$from^{commit}" >/dev/null; then
	echo "$from is not in the history of this clone; a shallow one is completed with: git fetch --unshallow --tags" >&2
	exit 1
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
git archive "$from" | tar -x -C "$dir"
go -C "$dir" build -ldflags "-X datapusher/cmd/app.Version=$(git describe --always "$from")" -o "$dir/former" ./cmd/datapusher
scripts/build.sh cmd/standalone/temporalserver
DATAPUSHER_FORMER="$dir/former" go run ./internal/testutil/pgtest/cmd/scratchpg -- \
	go test -count=1 -timeout 10m -v -run TestTwoVersionsSideBySide ./e2e
