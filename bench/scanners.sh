#!/usr/bin/env bash
# Hub's scrub beside Datadog's scanner of sensitive data (the crate dd-sensitive-data-scanner), both
# with twelve detectors, on one thread, in turns. Prints a table in Markdown.
#
#   bash bench/scanners.sh [ROUNDS [SEED]]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/scanners"

cargo build --release --locked --quiet
version=$(sed -n '/^name = "dd-sensitive-data-scanner"/{n;s/version = "\(.*\)"/\1/p}' Cargo.lock)
printf 'Hub at %s beside dd-sensitive-data-scanner %s; %s; %s; load %s; %s\n' \
    "$(git rev-parse --short HEAD)" "$version" "$(sed -n 's/^model name\s*: //p;T;q' /proc/cpuinfo)" \
    "$(rustc --version | cut -d' ' -f1,2)" "$(cut -d' ' -f1 /proc/loadavg)" "$(date -u +%F)"
exec "${CARGO_TARGET_DIR:-target}/release/hub-scanners" "$@"
