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

bundle=$(mktemp -d)
trap 'rm -rf "$bundle"' EXIT
(cd web/playground && npm ci --no-audit --no-fund && npm run build -- --outDir "$bundle" --emptyOutDir) >"$bundle.log" 2>&1 || {
	cat "$bundle.log" >&2
	exit 1
}
rm -f "$bundle.log"
diff -r "$bundle" internal/dashboard/playground
(cd web/openapi && npm ci --no-audit --no-fund && npm run lint) >"$bundle.log" 2>&1 || {
	cat "$bundle.log" >&2
	exit 1
}
rm -f "$bundle.log"
echo "Generated code, migrations and module files are current, and openapi.json passes its linter."
