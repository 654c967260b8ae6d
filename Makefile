# The two commands of the README, and what they are made of. Everything starts from a fresh machine with Rust, Node and
# root with apt.

SHELL := /bin/bash
CARGO ?= cargo
LISTEN ?= 127.0.0.1:8080
BENCH ?= target/bench

.PHONY: demo test setup build page lint format format-check generated bench bench-full bench-build

## Sets up, builds, loads a sample group with a year of history, prints its report and serves it.
demo: page
	$(CARGO) build --release --locked -p leadline
	./target/release/leadline demo --listen $(LISTEN)

## Sets up and runs every test. Always the whole workspace: another choice of crates would choose other features and
## build DataFusion anew.
test: page
	timeout 3600 $(CARGO) test --workspace --locked
	cd dashboard && timeout 300 npm test
	$(CARGO) build --workspace --locked --example sample --bin leadline
	cd dashboard && timeout 900 npm run browser

## Installs what is missing from Debian's packages, or says how.
setup:
	@./scripts/setup

build: page
	$(CARGO) build --release --locked -p leadline

## Builds the page, which the binary holds, when something it is made of is newer.
page: setup dashboard/dist/index.html

dashboard/dist/index.html: $(shell find dashboard/src dashboard/public -type f) $(wildcard dashboard/*.json dashboard/*.ts dashboard/*.html)
	cd dashboard && npm run build

## Tests may unwrap: a panic is how they fail. Everything else may not.
lint:
	$(CARGO) clippy --workspace --locked -- -D warnings
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings -A clippy::unwrap_used -A clippy::expect_used -A clippy::panic

format:
	$(CARGO) fmt --all

format-check:
	$(CARGO) fmt --all -- --check

## Writes the generated files anew: docs/openapi.json, docs/sql-reference.md, docs/sources/README.md, the page's client, the licences of what the page ships.
generated: setup
	UPDATE_GENERATED=1 $(CARGO) test --workspace --locked --test it contract::
	cd dashboard && npm run generate

## Measures this build with a generated group of 100,000 deployments, beside DuckDB and PostgreSQL: a few minutes.
bench: bench-build $(BENCH)/venv
	./target/release/leadline bench --size 100k --data $(BENCH)/100k
	$(BENCH)/venv/bin/python bench/peers/run.py --leadline target/release/leadline --data $(BENCH)/100k --size 100k

## The same with ten million deployments of 1,000 products: an hour or more, and 40 GB of disk. It goes on where it was
## when it is interrupted; delete the folder to start anew.
bench-full: bench-build $(BENCH)/venv
	./target/release/leadline bench --size 10m --data $(BENCH)/10m
	$(BENCH)/venv/bin/python bench/peers/run.py --leadline target/release/leadline --data $(BENCH)/10m --size 10m

bench-build: page
	$(CARGO) build --release --locked -p leadline

$(BENCH)/venv: bench/peers/requirements.txt
	mkdir -p $(BENCH)
	python3 -m venv $@
	$@/bin/pip install --quiet --requirement $<
	touch $@
