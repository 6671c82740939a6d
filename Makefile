# Data Pusher. `make` alone lists what there is.

GOLANGCI  := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FLOWCHECK := go.temporal.io/sdk/contrib/tools/workflowcheck@v0.6.0

# The race detector needs a C compiler; without one the tests run without it.
RACE := $(if $(shell command -v gcc),-race)

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: run
run: bin/standalone ## Compile and start everything in one process: API on 8000, Temporal UI on 8233
	@exec bin/standalone $(args)

.PHONY: bin/standalone
bin/standalone:
	@scripts/build.sh cmd/standalone ../../bin/standalone

.PHONY: build
build: bin/standalone ## Compile both binaries into bin/
	go build -o bin/datapusher ./cmd/datapusher

.PHONY: test
test: ## Run all tests, against a real Postgres and a real Temporal
	@scripts/build.sh cmd/standalone/temporalserver
	go run ./internal/testutil/pgtest/cmd/scratchpg -- scripts/test.sh $(RACE)

.PHONY: former
former: ## Upgrade from a version before, under load and back: make former from=<commit or tag>
	@scripts/former.sh '$(from)'

.PHONY: engines
engines: ## Run the suite of all engines, on each engine and store, and list its cases
	@scripts/build.sh cmd/standalone/temporalserver
	@go run ./internal/testutil/pgtest/cmd/scratchpg -- scripts/engines.sh

.PHONY: browser
browser: bin/standalone ## Run the dashboard in a real browser, against the real program
	@scripts/browser.sh

.PHONY: pictures
pictures: bin/standalone ## Take the pictures of the dashboard that docs/DASHBOARD.md shows
	@PICTURES=../../docs/images scripts/browser.sh pages.test.js

.PHONY: fuzz
fuzz: ## Run all fuzz tests, ten minutes each, or one: make fuzz time=1m target=FuzzCheck
	@scripts/fuzz.sh time=$(time) target=$(target)

.PHONY: bench
bench: bin/bench ## Measure everything on this machine; takes some minutes: make bench args='one light'
	@bin/bench -out bin/bench.json $(args)

.PHONY: bench-full
bench-full: bin/bench ## The same, longer, with ten million events in the tables
	@bin/bench -full -duration 30s -out bin/bench-full.json $(args)

.PHONY: bench-micro
bench-micro: ## Run the Go benchmarks of single parts
	go test -run '^$$' -bench . -benchmem ./bench/... ./internal/...

.PHONY: bin/bench
bin/bench: build
	@scripts/build.sh cmd/standalone/temporalserver ../../bin/temporalserver
	@go build -o bin/bench ./bench

.PHONY: faults
faults: bin/faults ## Break it under load and check that nothing is lost; takes a while: make faults args='-engine river kill-worker'
	@bin/faults -write docs/RELIABILITY.md -json bin/faults.json $(args)

.PHONY: soak
soak: bin/faults ## Break it at random for half an hour: make soak time=2h
	@bin/faults soak $(if $(time),-time $(time)) -json bin/soak.json $(args)

.PHONY: mutants
mutants: bin/faults ## See that the checks of make faults notice faults of our own
	@go build -tags mutants -o bin/datapusher-mutants ./cmd/datapusher
	@bin/faults mutants -write docs/RELIABILITY.md $(args)

.PHONY: bin/faults
bin/faults:
	@go build -o bin/datapusher ./cmd/datapusher
	@go build -tags failpoints -o bin/datapusher-failpoints ./cmd/datapusher
	@scripts/build.sh cmd/standalone/temporalserver ../../bin/temporalserver
	@go build -o bin/faults ./faults

.PHONY: lint
lint: ## Check formatting, style, walls between packages, workflow determinism
	go vet ./...
	go -C cmd/standalone vet ./...
	go run $(GOLANGCI) run ./...
	cd cmd/standalone && go run $(GOLANGCI) run --config ../../.golangci.yml ./...
	go run $(FLOWCHECK) ./workflows/...

.PHONY: audit
audit: ## Look for known weaknesses in what is linked, and libraries that nobody has looked at
	go run ./scripts/audit

.PHONY: generate
generate: ## Write the generated code: ent, GraphQL, the bundles of playground and dashboard
	go generate ./ent ./graph
	for app in playground dashboard; do (cd web/$$app && npm ci && npm run build) || exit 1; done

.PHONY: migration
migration: ## Write a migration for a change of ent/schema: make migration name=add_something
	go run ./internal/testutil/pgtest/cmd/scratchpg -- go run ./ent/migrations/diff $(name)

.PHONY: verify
verify: ## Check that generated code, migrations and module files are current
	scripts/verify.sh
