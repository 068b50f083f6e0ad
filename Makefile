# The recipes of a developer and of CI. `make` lists them.
#
# `.ci/run` runs `.ci/test` and then every recipe under "checks", so that CI does nothing that cannot be
# done here with one word.

.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.PHONY: help run test steady fuzz fmt clippy doc deny walls parts prometheus examples ci dist bench

TARGET := $(or $(CARGO_TARGET_DIR),target)

help: ## this list
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1|\2/p' Makefile | column -t -s '|'

run: ## the hub and a shop of services that talk through it, until Ctrl-C
	bash examples/shop.sh

test: ## all tests, with what they need installed
	bash .ci/test

steady: ## the tests that depend on time, memory or load: ten times beside stress-ng
	.ci/steady

# Ten minutes in all: two targets of a package run at once. Random bytes without coverage; see .ci/fuzz.
fuzz: ## checks: every fuzz target for its share of ten minutes
	BOLERO_RANDOM_TEST_TIME_MS=$$((600000 / $$(.ci/fuzz --list | wc -l))) \
		cargo test --workspace --all-features --locked --test fuzz

fmt: ## checks: formatting
	cargo fmt --all --check

clippy: ## checks: lints, with warnings denied
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings

doc: ## checks: documentation without warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features --locked

deny: ## checks: licences, bans, sources and advisories of dependencies
	bash .ci/deny

walls: ## checks: no import circle, no dependency upwards, no file too long
	.ci/walls --prove
	.ci/walls

parts: ## checks: what can be left out can be: the hub's side, TLS, conditions and schemas
	cargo check -p hub-core --locked
	cargo check -p hub-client --no-default-features --locked
	cargo test -p hub-scrub --no-default-features --locked --lib not_built_in

prometheus: ## checks: the Prometheus configuration, if promtool is there
	@if command -v promtool >/dev/null; then promtool check config deploy/prometheus.yml; \
	else echo "promtool is missing: not checked"; fi

examples: ## checks: the shop, a scrubber of one's own, a client in Python
	bash .ci/examples

ci: ## everything that a change must pass
	bash .ci/run

dist: ## the binary to ship or to measure: target/dist/hub
	cargo build --profile dist --locked -p hub-cli

bench: ## hub beside nats-server, Redis and a byte relay; about 20 minutes
	bash bench/compare.sh
