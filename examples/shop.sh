#!/bin/bash
# Builds the hub and a shop of small services that talk through it, and runs them.
#
#   bash examples/shop.sh              runs until Ctrl-C
#   bash examples/shop.sh --orders 50  ends by itself after 50 orders
#   bash examples/shop.sh --help       lists all options, after the build
#
# It needs cargo. Rust needs a C linker: if there is none, and this is Debian and you are root, this
# script installs the package build-essential. It writes only to `target/` and cargo's own folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v cargo >/dev/null; then
    echo "cargo is missing. Install Rust from https://rustup.rs, then run this script again." >&2
    exit 1
fi
if ! command -v cc >/dev/null; then
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        echo "Rust needs a C linker, and there is none. This installs build-essential."
        apt-get update -q
        DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends build-essential
    else
        echo "Rust needs a C linker (cc), and there is none. On Debian, install it as root with:" >&2
        echo "    apt-get install build-essential" >&2
        exit 1
    fi
fi

built="${CARGO_TARGET_DIR:-target}/debug"
echo "Step 1 of 2: cargo builds two programs, hub and shop."
if [ -x "$built/shop" ] && [ -x "$built/hub" ]; then
    echo "Both have been built before, so cargo only builds what has changed since."
else
    echo "The first build takes two to three minutes on two cores, and longer if cargo has to download"
    echo "the crates. Cargo shows how far it is."
fi
echo "This build is not optimised: use it to try the hub, not to measure its speed. To measure, build"
echo "the hub with \`cargo build --profile dist -p hub-cli\`."
# What makes a second build faster makes the first one a tenth slower.
export CARGO_INCREMENTAL=0
cargo build --locked --no-default-features -p hub-cli -p hub-examples
echo "Step 1 of 2 is done after $SECONDS s."
echo "Step 2 of 2: the shop starts a hub and six services. Ctrl-C ends it."
exec "$built/shop" "$@"
