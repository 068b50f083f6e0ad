#!/bin/bash
# Builds the hub and a shop of small services that talk through it, and runs them.
#
#   bash examples/shop.sh              until Ctrl-C
#   bash examples/shop.sh --orders 50  ends by itself, and does the sums
#
# Needs cargo. Rust needs a C linker: if there is none, and this is Debian and you are root, the
# package build-essential is installed. Nothing else is, outside of this folder's `target/`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v cargo >/dev/null; then
    echo "cargo is missing. Install Rust from https://rustup.rs, then run this again." >&2
    exit 1
fi
if ! command -v cc >/dev/null; then
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        echo "There is no C linker, which Rust needs: installing build-essential."
        apt-get update -q
        DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends build-essential
    else
        echo "There is no C linker (cc), which Rust needs. On Debian, as root:" >&2
        echo "    apt-get install build-essential" >&2
        exit 1
    fi
fi

echo "Building the hub and the shop. The first time takes a few minutes."
cargo build --release --locked -p hub-cli -p hub-examples
exec "${CARGO_TARGET_DIR:-target}/release/shop" "$@"
