#!/usr/bin/env bash
# How much clients that misbehave disturb the others: latency with and without them, in turns on one
# hub, and the medians of their ratios.
#
#   stalled  one publisher, 1,000 subscribers, and one more that never reads and is over its limit
#   loris    one publisher, one subscriber, and 5,000 sockets that send one byte of HELLO a second
#
#   bash bench/disturbance.sh [--rounds N] [--seconds N] [--subscribers N] [--sockets N]
#
# Needs python3, and 12,000 open files.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rounds=5 seconds=5 subscribers=1000 sockets=5000
while (($#)); do
    case $1 in
        --rounds) rounds=$2 ;;
        --seconds) seconds=$2 ;;
        --subscribers) subscribers=$2 ;;
        --sockets) sockets=$2 ;;
        *) sed -n '2,9p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
    esac
    shift 2
done
ulimit -n 12000

if [[ -z ${HUB:-} ]]; then
    cargo build --profile dist --locked --quiet -p hub-cli
fi
hub=${HUB:-${CARGO_TARGET_DIR:-target}/dist/hub}
work=$(mktemp -d)
server= nuisance=
trap 'kill $server $nuisance 2>/dev/null || true; rm -rf "$work"' EXIT

# Waits until a line of a file says that what writes it is there.
await() { # file, text
    for _ in $(seq 300); do
        grep -q "$2" "$1" && return
        sleep 0.1
    done
    echo "no '$2' in time" >&2
    exit 1
}

"$hub" serve --listen 127.0.0.1:0 --http 127.0.0.1:0 --log error >"$work/hub" &
server=$!
await "$work/hub" ready
address=$(sed -n 's/.*clients hub:\/\/\([^ ,]*\).*/\1/p' "$work/hub")
host=${address%:*} port=${address##*:}

disturb() { # how, how much of it or the topic
    python3 bench/nuisance.py "$1" "$host" "$port" "$2" >"$work/nuisance" &
    nuisance=$!
    await "$work/nuisance" ready
}
leave_alone() {
    kill "$nuisance"
    wait "$nuisance" 2>/dev/null || true
    nuisance=
}
measure() { # name, then flags of `hub bench latency`
    local name=$1
    shift
    "$hub" bench latency --server "hub://$address" --seconds "$seconds" --json --quiet "$@" |
        sed -n 's/.*"p50_us":\([0-9.]*\),.*"p99_us":\([0-9.]*\),.*/\1 \2/p' |
        sed "s/^/$name /" | tee -a "$work/runs" >&2
}

for _ in $(seq "$rounds"); do
    measure stalled-without --rate 100 --subscribers "$subscribers"
    disturb stalled bench
    # More than its socket and its queue hold.
    "$hub" bench pub --server "hub://$address" --topic bench --payload bin:16384 --seconds 1 --json --quiet >/dev/null
    measure stalled-with --rate 100 --subscribers "$subscribers"
    leave_alone
    measure loris-without --rate 1000
    disturb loris "$sockets"
    measure loris-with --rate 1000
    leave_alone
done
curl --silent --fail "http://$(sed -n 's/.*http http:\/\/\([^ ,]*\).*/\1/p' "$work/hub")/metrics" |
    grep -E '^hub_deliveries_dropped_total|handshake_timeout' | sed 's/^/# /'

median() { sort -n | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2 }'; }
printf '| | p50, us | p99, us |\n|---|---|---|\n'
for name in stalled loris; do
    for how in without with; do
        printf '| %s, %s | %.0f | %.0f |\n' "$name" "$how" \
            "$(awk -v n="$name-$how" '$1 == n { print $2 }' "$work/runs" | median)" \
            "$(awk -v n="$name-$how" '$1 == n { print $3 }' "$work/runs" | median)"
    done
    ratio() { awk -v n="$name" -v f="$1" '$1 == n "-without" { a = $f } $1 == n "-with" { print $f / a }' "$work/runs" | median; }
    printf '| %s, ratio | %.2f | %.2f |\n' "$name" "$(ratio 2)" "$(ratio 3)"
done
