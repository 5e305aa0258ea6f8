# Everything that is done to this project, by name. `make help` lists it.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# The race detector needs a C compiler; without one the tests run without it.
RACE := $(shell command -v cc >/dev/null && go env CGO_ENABLED | grep -q 1 && echo -race)
# In CI no result comes from the cache: what nginx does is not in its key.
COUNT := $(if $(CI),-count=1)
# Debian keeps nginx in a folder that is not on every user's PATH.
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin

.PHONY: help
help: ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

.PHONY: go
go:
	@command -v go >/dev/null || { echo "Go is missing: install Go $$(sed -n 's/^go //p' go.mod) or newer (https://go.dev/doc/install), and try again." >&2; exit 1; }

.PHONY: nginx-installed
nginx-installed:
	@scripts/install-nginx.sh

.PHONY: build
build: go ## Build bin/dispatcher.
	CGO_ENABLED=0 go build -trimpath -o bin/dispatcher ./cmd/dispatcher

.PHONY: kube-assets
kube-assets: go ## Build the API server that the tests run, once (5 to 10 minutes), and print its folder.
	@scripts/kube-assets.sh

.PHONY: test
test: go nginx-installed ## Run every test, with real nginx and a real API server, and the demo unattended. UPDATE=1 rewrites golden files.
	go vet ./...
	@assets=$$(scripts/kube-assets.sh) || { \
		[ -z "$(CI)" ] || exit 1; \
		echo "== NOT TESTED with an API server: see above for why" >&2; \
	}; \
	echo go test $(RACE) $(COUNT) -p 2 ./...; \
	KUBEBUILDER_ASSETS=$$assets go test $(RACE) $(COUNT) -p 2 ./...
	@$(MAKE) --no-print-directory test-current demo-check $(if $(CI),release-check fuzz-check)

# The system's nginx may be old; what is newer is tested with a current one beside it.
# Of the tests with an API server those whose endpoints change without a reload then.
KUBE_CURRENT = ^(TestRestartWithoutAPI|TestRightsInUse|TestOutageNoSecrets|TestPodLifecycle|TestWalkThrough|TestHelm)$$
.PHONY: test-current
test-current: go ## Run the tests that ask nginx with a current one, if it can be had.
	@if nginx=$$(scripts/current-nginx.sh); then \
		echo "== with $$($$nginx -v 2>&1)"; \
		export NGINX_BINARY=$$nginx; \
		go test $(COUNT) -p 2 ./nginx ./test/golden ./test/tenants/... ./test/traffic && \
		KUBEBUILDER_ASSETS=$$(scripts/kube-assets.sh) go test $(COUNT) -run '$(KUBE_CURRENT)' ./test/kube; \
	else \
		echo "== NOT TESTED with a current nginx, only with $$(nginx -v 2>&1): see above for why" >&2; \
	fi

.PHONY: check
check: go ## Lint the Go code, the shell scripts and the Dockerfile, check licences and known vulnerabilities, with pinned tools.
	go mod tidy -diff
	go tool -modfile=tools/go.mod golangci-lint run
	@$(MAKE) --no-print-directory lint-shell lint-dockerfile lint-licences lint-vulnerabilities

.PHONY: lint-dockerfile
lint-dockerfile: go
	go run -C tools/dockerlint . ../../Dockerfile

.PHONY: lint-licences
lint-licences: go
	@scripts/licences.sh

.PHONY: lint-vulnerabilities
lint-vulnerabilities: go
	@VULNDB=$(VULNDB) scripts/vulnerabilities.sh

.PHONY: lint-shell
lint-shell:
	@if command -v shellcheck >/dev/null; then shellcheck scripts/*.sh .ci/run; else echo "shellcheck is missing, so the scripts are not linted: apt-get install shellcheck" >&2; [ -z "$(CI)" ]; fi

# The demo shows a current nginx where one can be had.
DEMO = NGINX_BINARY="$${NGINX_BINARY:-$$(scripts/current-nginx.sh 2>/dev/null)}" bin/demo

.PHONY: demo
demo: build nginx-installed ## Start real nginx, small demo Pods and Dispatcher; print what to try; end with Ctrl-C.
	@go build -o bin/demo ./demo
	@$(DEMO)

.PHONY: demo-check
demo-check: build nginx-installed ## Run the demo unattended and check every answer.
	@go build -o bin/demo ./demo
	@$(DEMO) check

CHAOSTIME ?= 10m
.PHONY: chaos
chaos: go nginx-installed ## Random faults of API server, etcd, network and nginx under load, for CHAOSTIME (10m); CHAOSSEED repeats a run.
	KUBEBUILDER_ASSETS=$$(scripts/kube-assets.sh) CHAOSTIME=$(CHAOSTIME) go test -count=1 -timeout 0 -v -run '^TestChaos$$' ./test/kube

.PHONY: bench
bench: go nginx-installed ## Measure Build, Render and the whole with 10,000 Pods on a real API server; changes of endpoints; throughput.
	go test -run '^$$' -bench . -benchmem ./test/bench
	@export NGINX_BINARY; \
	NGINX_BINARY=$${NGINX_BINARY:-$$(scripts/current-nginx.sh)} || echo "== NOT MEASURED with a current nginx, only with $$(nginx -v 2>&1): see above for why" >&2; \
	set -e; \
	go test -run '^$$' -bench Rest -benchtime 1x ./pkg/discovery; \
	go test -run '^$$' -bench Change -benchtime 60x ./pkg/discovery; \
	go test -run '^$$' -bench . -benchtime 1x -timeout 30m ./test/traffic; \
	KUBEBUILDER_ASSETS=$$(scripts/kube-assets.sh) go test -run '^$$' -bench . -benchtime 1x -timeout 60m ./test/kube

FUZZTIME ?= 10m
.PHONY: fuzz
fuzz: go ## Fuzz each target for FUZZTIME (10m).
	@FUZZTIME=$(FUZZTIME) scripts/fuzz.sh

.PHONY: fuzz-check
fuzz-check: go ## Fuzz each target for a minute, as many at a time as there are processors; a part of "make test" in CI.
	@FUZZTIME=1m FUZZJOBS=$$(nproc 2>/dev/null || echo 2) scripts/fuzz.sh

# What git knows; without it, say it: make release VERSION=v1.2.3 SOURCE_DATE_EPOCH=1767225600
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
.PHONY: release
release: go ## Make dist/: archives for Linux on amd64 and arm64, lists of what is in them (CycloneDX) and their sums; the same bytes anywhere.
	go run -C tools/release . -out "$(CURDIR)/dist" -version '$(VERSION)' -time '$(SOURCE_DATE_EPOCH)'

.PHONY: release-check
release-check: go ## Make a release twice in different folders, compare, and look into it; a part of "make test" in CI.
	@scripts/release-check.sh

.PHONY: clean
clean: ## Remove what was built.
	rm -rf bin dist .cache
