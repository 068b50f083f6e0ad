#!/usr/bin/env bash
# Lets a real hub live through a bad day: connections come and go, publishers flood it, subscribers
# stall, rule and access files are replaced, clients are killed. Each minute it prints the hub's
# memory and open files, and at the end how both grew, and whether the ledger balances.
#
#   bash bench/soak.sh [MINUTES]          # 10, unless said
#   HUB=path/to/hub bash bench/soak.sh    # this binary, and none is built
#   OUT=folder bash bench/soak.sh         # leaves samples.csv and hub.log there
#
# Exit codes: 0 all is well, 1 not: the hub ended, did not drain, its ledger does not balance, it
# has more open files when all clients are gone than at first, or its memory grew by more than
# MAX_GROWTH_KIB a minute (1,024) in the second half. It takes MINUTES and half a minute, and leaves
# no process behind.
set -euo pipefail
cd "$(dirname "$0")/.."

minutes=${1:-10}
max_growth=${MAX_GROWTH_KIB:-1024}
[[ $minutes =~ ^[1-9][0-9]*$ ]] || { echo "MINUTES is a whole number: $minutes" >&2; exit 2; }
hub=${HUB:-}
if [[ -z $hub ]]; then
    cargo build --profile dist --locked --package hub-cli
    hub=${CARGO_TARGET_DIR:-target}/dist/hub
fi
work=$(mktemp -d)
out=${OUT:-$work}
mkdir -p "$out"

# Every process that is started here is in this group, and ends with it.
children=()
finish() {
    local status=$?
    trap - EXIT INT TERM
    touch "$work/stop"
    for pid in "${children[@]}"; do
        kill -CONT -- "-$pid" 2>/dev/null || true
        kill -KILL -- "-$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

fail() { printf 'FAILED: %s\n' "$*"; exit 1; }

# Starts a loop or a command in a process group of its own.
start() {
    set -m
    "$@" &
    set +m
    children+=("$!")
}

# ---- Files, each in versions that take turns ------------------------------------------------

rules() {
    cat <<END
[[rule]]
name = "mail"
topics = ["soak.scrubbed.**"]
find = { keys = ["mail"] }
action = $1
tests = { hits = [{ mail = "ann@example.org" }], misses = [{ n = 1 }] }
END
}

secret=$("$hub" token create soak-1 2> "$work/line")
hash=$(grep -o '\$argon2id[^"]*' "$work/line")
[[ -n $secret && -n $hash ]] || fail "hub token create printed something else"

# Clients without credentials may do all but what is denied.
access() {
    cat <<END
[roles.all]
publish = { allow = "**", deny = [$1] }
subscribe = { allow = "**", block = "**", groups = "*", observe = true }
[anonymous]
roles = "all"
[identities.soak]
roles = "all"
tokens.soak-1 = "$hash"
END
}

replace() { cat > "$1.new" && mv "$1.new" "$1"; }
rules '"mask"' | replace "$work/rules.toml"
access '"a.b"' | replace "$work/access.toml"

# ---- The hub ---------------------------------------------------------------------------------

cat > "$work/hub.toml" <<END
listen = "127.0.0.1:0"
http = "127.0.0.1:0"
access = "$work/access.toml"
rules = "$work/rules.toml"
# So that topics end, clients are forgotten, and queues overflow within minutes.
topic_idle_ms = 5000
resume_ms = 5000
queue_bytes = 1048576
max_frame_bytes = 65536
history_topic_bytes = 65536
END
start "$hub" serve --config "$work/hub.toml" > "$work/ready" 2> "$out/hub.log"
server=${children[0]}
for _ in $(seq 300); do
    grep -q ready "$work/ready" && break
    kill -0 "$server" 2>/dev/null || fail "the hub did not start: $(cat "$out/hub.log")"
    sleep 0.1
done
HUB_SERVER=$(grep -oE 'hub://[^ ,]+' "$work/ready" | head -n 1)
export HUB_SERVER
http=$(grep -oE 'http://[^ ,/]+' "$work/ready" | head -n 1)
http=${http#http://}

# The value of a metric; those of all its labels together.
metric() {
    local body
    exec 9<>"/dev/tcp/${http%:*}/${http##*:}" || return 1
    printf 'GET /metrics HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n' >&9
    body=$(cat <&9)
    exec 9>&-
    awk -v name="$1" '{ split($1, n, "{") } n[1] == name { sum += $2 } END { printf "%.0f\n", sum }' <<<"$body"
}
rss() { awk '/^VmRSS:/ { print $2 }' "/proc/$server/status"; }
files() { find "/proc/$server/fd" -mindepth 1 -maxdepth 1 | wc -l; }

first_files=$(files)
started=$(date +%s)

# ---- The bad day -----------------------------------------------------------------------------

going() { [[ ! -e $work/stop ]]; }

# Short lives: each a connection, some a topic of their own, some with a password check.
churn() {
    local n=0
    while going; do
        n=$((n + 1))
        "$hub" emit "soak.topic.$((n % 500))" "{\"n\": $n}" > /dev/null 2>&1 || true
        HUB_TOKEN=$secret "$hub" emit soak.scrubbed.x '{"mail": "ann@example.org"}' > /dev/null 2>&1 || true
        "$hub" emit a.b 1 > /dev/null 2>&1 || true # denied
        # Bytes of no client at all.
        (exec 8<>"/dev/tcp/127.0.0.1/${HUB_SERVER##*:}" && head -c 64 /dev/urandom >&8) 2>/dev/null || true
    done
}

# More than its subscribers take, for a while, and then quiet.
flood() {
    while going; do
        "$hub" emit "soak.flood.$1" "{\"pad\": \"$(head -c 900 /dev/zero | tr '\0' x)\"}" --count 50000 > /dev/null 2>&1 || true
        sleep 1
    done
}

# Reads, stops reading, goes on, and now and then is killed.
stall() {
    local pid
    while going; do
        "$hub" on 'soak.**' --raw --overflow "$1" > /dev/null 2>&1 &
        pid=$!
        for _ in 1 2 3; do
            sleep "$((1 + RANDOM % 3))"
            kill -STOP "$pid" 2>/dev/null || break
            sleep "$((1 + RANDOM % 4))"
            kill -CONT "$pid" 2>/dev/null || break
            going || break
        done
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
}

# New files every few seconds; one in four is wrong, and one changes everybody's rights.
reload() {
    local n=0
    while going; do
        n=$((n + 1))
        case $((n % 4)) in
            0) echo 'this is = = no rule file' | replace "$work/rules.toml" ;;
            1) rules '"mask"' | replace "$work/rules.toml" ;;
            2) rules '"drop"' | replace "$work/rules.toml" ;;
            3) access "\"a.b\", \"c.$((n / 4 % 2))\"" | replace "$work/access.toml" ;;
        esac
        sleep 3
    done
}

# Their ends are nobody's business.
begin() { start "$@"; disown; }
begin churn
begin churn
begin flood 1
begin flood 2
for overflow in drop-oldest drop-newest latest disconnect; do begin stall "$overflow"; done
begin reload

# ---- Each minute -----------------------------------------------------------------------------

echo "minute,rss_kib,files,connections_total,events,due,delivered,dropped,topics" > "$out/samples.csv"
sample() {
    kill -0 "$server" 2>/dev/null || fail "the hub has ended: $(tail -n 20 "$out/hub.log")"
    local row
    row="$1,$(rss),$(files),$(metric hub_connections_total),$(metric hub_events_total)"
    row+=",$(metric hub_deliveries_due_total),$(metric hub_deliveries_total)"
    row+=",$(metric hub_deliveries_dropped_total),$(metric hub_topics)"
    echo "$row" >> "$out/samples.csv"
    awk -F, '{ printf "minute %d: %d KiB, %d files; so far %d connections, %d events, %d due, %d delivered, %d dropped; %d topics\n",
        $1, $2, $3, $4, $5, $6, $7, $8, $9 }' <<<"$row"
}
for ((minute = 1; minute <= minutes; minute++)); do
    # To the minute, whatever the last one took.
    sleep "$((started + 60 * minute - $(date +%s) > 0 ? started + 60 * minute - $(date +%s) : 1))"
    sample "$minute"
done

# ---- The reckoning ---------------------------------------------------------------------------

touch "$work/stop"
for pid in "${children[@]:1}"; do
    kill -CONT -- "-$pid" 2>/dev/null || true
    kill -KILL -- "-$pid" 2>/dev/null || true
done
for _ in $(seq 150); do
    [[ $(metric hub_connections) == 0 && $(metric hub_deliveries_pending) == 0 ]] && break
    sleep 0.2
done
due=$(metric hub_deliveries_due_total)
delivered=$(metric hub_deliveries_total)
dropped=$(metric hub_deliveries_dropped_total)
left=$(metric hub_connections)
last_files=$(files)
last_rss=$(rss)
echo "all clients gone: $last_rss KiB, $last_files files (at first $first_files), $left connections"
echo "due $due = delivered $delivered + dropped $dropped + pending $((due - delivered - dropped))"

# Least squares over the second half, when all is warm.
growth=$(awk -F, -v minutes="$minutes" 'NR > 1 && $1 * 2 > minutes { n++; x += $1; y += $2; xx += $1 * $1; xy += $1 * $2 }
    END { d = n * xx - x * x; printf "%.0f\n", d ? (n * xy - x * y) / d : 0 }' "$out/samples.csv")
open=$(awk -F, -v minutes="$minutes" 'NR > 1 && $1 * 2 > minutes { n++; x += $1; y += $3; xx += $1 * $1; xy += $1 * $3 }
    END { d = n * xx - x * x; printf "%.1f\n", d ? (n * xy - x * y) / d : 0 }' "$out/samples.csv")
echo "in the second half: $growth KiB and $open files a minute"

kill -TERM "$server"
for _ in $(seq 150); do
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
done
kill -0 "$server" 2>/dev/null && fail "the hub did not end within 15 s"
wait "$server" || fail "the hub ended with $?"
((left == 0)) || fail "$left connections are left"
((due == delivered + dropped)) || fail "the ledger does not balance"
((last_files <= first_files + 2)) || fail "$last_files files are open, $first_files at first"
((growth <= max_growth)) || fail "memory grows by $growth KiB a minute"
echo "all is well"
