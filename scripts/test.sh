#!/bin/sh
# Runs the tests of both modules. DATAPUSHER_TEST_POSTGRES names the scratch
# server that `make test` has started.
# usage: test.sh [flags of go test]
set -eu
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# First, so that everybody sees what the tests run against; a missing part fails here.
go test -count=1 -v -run 'TestARealServerOnEachStore' ./internal/testutil/temporaltest >"$log" 2>&1 || {
	cat "$log" >&2
	exit 1
}
grep -o 'Temporal [0-9.]* on [a-z]*' "$log"

go test -timeout 25m "$@" ./...
go test -tags failpoints ./internal/failpoint # which is empty without the tag
go -C cmd/standalone test -timeout 25m ./...
