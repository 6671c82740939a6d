#!/bin/sh
# Runs the tests of both modules. DATAPUSHER_TEST_POSTGRES names the scratch
# server that `make test` has started.
# usage: test.sh [flags of go test]
set -eu
cd "$(dirname "$0")/.."
go test -timeout 25m "$@" ./...
go -C cmd/standalone test -timeout 25m ./...
