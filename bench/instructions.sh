#!/usr/bin/env bash
# Instructions that the hub executes for one message, counted by callgrind: a number that hardly
# depends on what else the machine does, so that a slower hot path shows. One publisher sends to one
# subscriber; what the kernel does is not counted. Needs valgrind.
#
#   bash bench/instructions.sh [PAYLOAD...]      # such as bin:128 map:1024
set -euo pipefail
cd "$(dirname "$0")/.."

command -v valgrind > /dev/null || { echo "valgrind is missing (Debian: apt-get install valgrind)" >&2; exit 1; }
cargo build --release --locked --quiet -p hub-cli
hub=${CARGO_TARGET_DIR:-target}/release/hub
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2> /dev/null || true; rm -rf "$work"' EXIT

# Prints instructions and deliveries of a hub that is flooded with payload $1 for $2 seconds.
count() {
    local out="$work/callgrind" url= figures
    rm -f "$out" "$work/ready"
    valgrind --tool=callgrind --callgrind-out-file="$out" --quiet \
        "$hub" serve --listen 127.0.0.1:0 --http 127.0.0.1:0 --log warn > "$work/ready" &
    server=$!
    for _ in $(seq 300); do
        url=$(sed -n 's/.*clients \(hub:[^ ,]*\).*/\1/p' "$work/ready")
        [ -z "$url" ] || break
        kill -0 "$server" || { echo "the hub ended" >&2; exit 1; }
        sleep 0.1
    done
    figures=$("$hub" --server "$url" bench fanout --payload "$1" --seconds "$2" --json --quiet)
    kill -TERM "$server"
    wait "$server" || true
    server=
    printf '%s %s\n' \
        "$(sed -n 's/^\(summary\|totals\): *\([0-9]*\).*/\2/p' "$out" | tail -1)" \
        "$(sed -n 's/.*"delivered":\([0-9]*\).*/\1/p' <<< "$figures")"
}

[ $# -gt 0 ] || set -- bin:16 bin:128 map:128 map:1024 dense:3200
printf '| payload | instructions a message |\n|---|---|\n'
for payload in "$@"; do
    # The difference of two runs leaves out what starting and stopping takes.
    read -r short_instructions short_messages < <(count "$payload" 1)
    read -r long_instructions long_messages < <(count "$payload" 4)
    awk -v p="$payload" -v i="$((long_instructions - short_instructions))" \
        -v m="$((long_messages - short_messages))" \
        'BEGIN { if (m > 0) printf "| %s | %.0f |\n", p, i / m; else exit 1 }'
done
