#!/usr/bin/env bash
# What the scrub costs the hub: one publisher, one subscriber, clean orders of about 600 bytes, on a
# hub with the three packs and on one without rules. They take turns; the table has the medians.
# Server time is what the scheduler counted for the hub's process.
#
#   bash bench/scrub.sh [--rounds N] [--seconds N] [--payload map:600] [--rules FILE]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rounds=5 seconds=3 payload=map:600 rules=
while (($#)); do
    case $1 in
        --rounds) rounds=$2 ;;
        --seconds) seconds=$2 ;;
        --payload) payload=$2 ;;
        --rules) rules=$2 ;;
        *) sed -n '2,6p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
    esac
    shift 2
done

cargo build --profile dist --locked --quiet -p hub-cli
hub=${CARGO_TARGET_DIR:-target}/dist/hub
work=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
if [[ -z $rules ]]; then
    rules=$work/packs.toml
    printf '[[pack]]\nname = "%s"\n' pci pii secrets >"$rules"
fi

declare -A url pid
start() { # name, flags
    local name=$1
    shift
    "$hub" serve --listen 127.0.0.1:0 --http 127.0.0.1:0 --log warn "$@" >"$work/$name" &
    pid[$name]=$!
    servers+=($!)
    for _ in $(seq 300); do
        url[$name]=$(sed -n 's/.*clients \(hub:[^ ,]*\).*/\1/p' "$work/$name")
        [[ -z ${url[$name]} ]] || return 0
        sleep 0.1
    done
    echo "the hub did not get ready" >&2
    exit 1
}
start plain
start packs --rules "$rules"

# Nanoseconds that a process has run so far, all its threads.
ran() { cat "/proc/$1/task/"*/schedstat | awk '{ sum += $1 } END { printf "%.0f", sum }'; }

for round in $(seq "$rounds"); do
    for name in plain packs; do
        before=$(ran "${pid[$name]}")
        figures=$("$hub" --server "${url[$name]}" bench fanout --payload "$payload" \
            --seconds "$seconds" --json --quiet)
        after=$(ran "${pid[$name]}")
        delivered=$(sed -n 's/.*"delivered":\([0-9]*\).*/\1/p' <<<"$figures")
        awk -v n="$name" -v d="$delivered" -v s="$seconds" -v t="$((after - before))" \
            'BEGIN { printf "%s %.0f %.1f\n", n, d / s, t / d }' | tee -a "$work/runs" >&2
    done
done

median() { awk -v n="$1" -v f="$2" '$1 == n { print $f }' "$work/runs" | sort -n | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2 }'; }
printf '| %s | deliveries a second | server time a delivery, ns |\n|---|---|---|\n' "$payload"
for name in plain packs; do
    printf '| %s | %.0f | %.0f |\n' "$name" "$(median "$name" 2)" "$(median "$name" 3)"
done
awk -v a="$(median packs 2)" -v b="$(median plain 2)" -v c="$(median packs 3)" -v d="$(median plain 3)" \
    'BEGIN { printf "| packs / plain | %.2f | %.2f |\n", a / b, c / d }'
