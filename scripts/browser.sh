#!/bin/sh
# Runs the tests of web/e2e: the dashboard in Chromium, against bin/standalone.
# As root on Debian it installs what is missing. Exits with 3 where there is no
# browser and none can be installed.
# usage: browser.sh [arguments of node --test]
set -eu
cd "$(dirname "$0")/.."

export CHROMIUM="${CHROMIUM:-$(command -v chromium || command -v chromium-browser || true)}"
if [ -z "$CHROMIUM" ]; then
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "The browser tests need Chromium: run \`sudo apt-get install -y chromium\`, or set CHROMIUM to its path." >&2
		exit 3
	fi
	echo "Installing Chromium for the browser tests."
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
	(apt-get update && apt-get install -y --no-install-recommends chromium) >"$log" 2>&1 || {
		cat "$log" >&2
		exit 3
	}
	CHROMIUM=$(command -v chromium)
fi
cd web/e2e
npm ci --no-audit --no-fund >/dev/null
exec node --test --test-concurrency=1 "$@"
