#!/bin/sh
# Compiles a package of cmd/standalone and says how far it is: the Temporal
# server is large, and the first time takes several minutes.
# usage: build.sh <folder> [<output, relative to the module>]
set -eu
cd "$(dirname "$0")/.."
folder=$1
case $folder in
cmd/standalone) package=. ;;
*) package=./${folder#cmd/standalone/} ;;
esac
output=${2:-/dev/null}

began=$(date +%s)
total=$(go -C cmd/standalone list -deps "$package" | wc -l)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
go -C cmd/standalone build -v -o "$output" "$package" >"$log" 2>&1 &
build=$!
told=
while kill -0 "$build" 2>/dev/null; do
	sleep 1
	now=$(($(date +%s) - began))
	if [ $((now % 15)) -eq 5 ] && kill -0 "$build" 2>/dev/null; then
		if [ -z "$told" ]; then
			echo "Compiling $folder with its Temporal server. The first time takes several minutes, later a few seconds."
			told=yes
		fi
		echo "  $now s: $(grep -c / "$log" || true) packages compiled, of $total at most"
	fi
done
if ! wait "$build"; then
	cat "$log" >&2
	exit 1
fi
