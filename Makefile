# The two commands of the README, and what they are made of. Everything starts from a fresh machine with Rust, Node and
# root with apt.

SHELL := /bin/bash
CARGO ?= cargo
LISTEN ?= 127.0.0.1:8080

.PHONY: demo test setup build lint format format-check generated

## Sets up, builds, loads a sample group with a year of history, prints its report and serves it.
demo: setup
	$(CARGO) build --release --locked -p leadline
	./target/release/leadline demo --listen $(LISTEN)

## Sets up and runs every test.
test: setup
	timeout 3600 $(CARGO) test --workspace --locked

## Installs what is missing from Debian's packages, or says how.
setup:
	@./scripts/setup

build: setup
	$(CARGO) build --release --locked -p leadline

## Tests may unwrap: a panic is how they fail. Everything else may not.
lint:
	$(CARGO) clippy --workspace --locked -- -D warnings
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings -A clippy::unwrap_used -A clippy::expect_used -A clippy::panic

format:
	$(CARGO) fmt --all

format-check:
	$(CARGO) fmt --all -- --check

## Writes the generated files anew: docs/openapi.json.
generated: setup
	UPDATE_GENERATED=1 $(CARGO) test --locked -p server --test it contract::
