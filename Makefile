# The recipes of a developer and of CI. `make` lists them.
#
# `.ci/run` runs `.ci/test` and then each recipe that is marked "checks". So a developer can run every step of
# CI with one word.

.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.PHONY: help run test steady fuzz fmt clippy doc deny walls parts context prometheus examples wireshark conformance deviations paths tournament ci dist worst bench

TARGET := $(or $(CARGO_TARGET_DIR),target)

help: ## lists the recipes
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1|\2/p' Makefile | column -t -s '|'

run: ## runs a hub and a shop of services that talk through it, until Ctrl-C
	bash examples/shop.sh

test: ## installs what the tests need, and runs all tests
	bash .ci/test

steady: ## runs the tests that depend on time, memory or load, ten times beside stress-ng
	.ci/steady

# Two targets of a package run at once, so this takes less than five minutes. The bytes are random, without
# coverage; `.ci/fuzz` runs one target with coverage.
fuzz: ## checks: runs each fuzz target for its share of six minutes
	BOLERO_RANDOM_TEST_TIME_MS=$$((360000 / $$(.ci/fuzz --list | wc -l))) \
		cargo test --workspace --all-features --locked --test fuzz

fmt: ## checks: the sources are formatted
	cargo fmt --all --check

clippy: ## checks: clippy warns of nothing
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings

doc: ## checks: the documentation of the crates builds without warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features --locked

deny: ## checks: licences, sources and known vulnerabilities of the dependencies
	bash .ci/deny

walls: ## checks: no import circle, no dependency upwards, no file above 400 lines
	.ci/walls --prove
	.ci/walls

parts: ## checks: the crates build without actors, without TLS, and without conditions and schemas
	cargo check -p hub-core --locked
	cargo check -p hub-client --no-default-features --locked
	cargo test -p hub-scrub --no-default-features --locked --lib not_built_in

context: ## checks: the build context of the images has every file that cargo needs
	.ci/context

prometheus: ## checks: the Prometheus configuration is valid, if promtool is installed
	@if command -v promtool >/dev/null; then promtool check config deploy/prometheus.yml; \
	else echo "promtool is missing: not checked"; fi

examples: ## checks: runs the shop, a service with its own scrubber, and a client in Python
	bash .ci/examples

wireshark: ## checks: the Wireshark dissector on live captures, and on hostile ones
	.ci/wireshark

conformance: ## checks: runs the conformance suite and the behaviour file against a hub
	cargo build --locked --all-features -p hub-cli
	python3 conformance/sentences.py
	python3 conformance/run.py --hub $(TARGET)/debug/hub --quiet
	python3 conformance/behave.py --hub $(TARGET)/debug/hub

deviations: ## plants faults between the conformance suite and a hub; takes about ten minutes
	cargo build --locked --all-features -p hub-cli
	python3 conformance/deviate.py --hub $(TARGET)/debug/hub

paths: dist ## checks: the released binary contains no path of the machine that built it
	.ci/paths --prove
	.ci/paths $(TARGET)/dist/hub

# The test is given the absolute path, because it runs in the folder of its package.
tournament: dist ## checks that greedy clients do not delay well-behaved ones, beside the released binary
	HUB_TEST_HUB=$(abspath $(TARGET))/dist/hub HUB_TEST_DELAYS=judged HUB_TEST_ROUNDS=6 \
		cargo test --workspace --all-features --locked --test tournament -- --nocapture nobody

ci: ## runs everything that a change must pass
	bash .ci/run

dist: ## builds the binary to ship or to measure: target/dist/hub
	cargo build --profile dist --locked -p hub-cli

worst: ## searches ten minutes for the messages that take longest to scrub
	cargo run --release --locked -p hub-scrub --example worst_case -- --seconds 600

bench: ## compares hub with nats-server, Redis and a byte relay; takes about 20 minutes
	bash bench/compare.sh
