#!/bin/sh
# Runs the suite that every engine passes on each engine and store, and lists its
# cases. DATAPUSHER_TEST_POSTGRES names the scratch server that `make engines` has
# started.
# usage: engines.sh [flags of go test]
set -eu
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=
go test -v -count=1 -timeout 15m -run '^TestEngine$' "$@" ./workflows/temporal ./workflows/river ./workflows/toy >"$log" 2>&1 || failed=1
# A case is "--- PASS: TestEngine/river-postgres/check (0.12s)".
cases=$(awk '$1 == "---" && split($3, part, "/") == 3 { print substr($2, 1, 4), $3 }' "$log" | LC_ALL=C sort -k2)
echo "$cases"
echo
echo "$cases" | awk '{ split($2, part, "/"); n[part[2] " " $1]++ } END { for (one in n) print one, n[one] }' | LC_ALL=C sort
if [ -n "$failed" ]; then
	cat "$log" >&2
	exit 1
fi
