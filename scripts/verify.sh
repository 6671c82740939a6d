#!/bin/sh
# Checks that what is generated is what its sources say: writes it again, next
# to nothing else changed, and compares.
set -eu
cd "$(dirname "$0")/.."

before=$(git status --porcelain)
go generate ./ent ./graph
go mod tidy
go -C cmd/standalone mod tidy
go run ./internal/testutil/pgtest/cmd/scratchpg -- go run ./ent/migrations/diff drift
if [ "$(git status --porcelain)" != "$before" ]; then
	echo "Generated code, migrations or module files are not current:" >&2
	git status --porcelain >&2
	echo "Run make generate, make migration name=<what>, go mod tidy, and commit the result." >&2
	exit 1
fi

built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT

# rebuild builds a front end anew and compares it with what is committed.
rebuild() {
	(cd "web/$1" && npm ci --no-audit --no-fund && npm run build -- --outDir "$built/$1" --emptyOutDir) >"$built/$1.log" 2>&1 || {
		cat "$built/$1.log" >&2
		exit 1
	}
	diff -r "$built/$1" "$2"
}
rebuild playground internal/dashboard/playground
types=$(cat web/dashboard/src/gql/* | cksum)
rebuild dashboard internal/dashboard/dist/dashboard
if [ "$(cat web/dashboard/src/gql/* | cksum)" != "$types" ]; then
	echo "The types of the dashboard's operations were not current; now they are: commit web/dashboard/src/gql." >&2
	exit 1
fi
(cd web/openapi && npm ci --no-audit --no-fund && npm run lint) >"$built/openapi.log" 2>&1 || {
	cat "$built/openapi.log" >&2
	exit 1
}
echo "Generated code, migrations and module files are current, and openapi.json passes its linter."
