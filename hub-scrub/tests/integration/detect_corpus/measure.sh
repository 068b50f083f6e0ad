#!/usr/bin/env bash
# Recall and precision of the detectors on texts that faker makes up, with seeds of this hour.
#
#   bash hub-scrub/tests/integration/detect_corpus/measure.sh                   three seeds, 2,000 texts a locale
#   bash hub-scrub/tests/integration/detect_corpus/measure.sh --seeds "7 8 9"   these seeds
#   … --misses                                                     also what was missed or wrong
#
# Needs cargo and python3 with venv. Installs faker from PyPI into a temporary folder. Its exit
# status says whether the aims are reached.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../../.."

now=$(date +%s)
seeds="$now $((now + 1)) $((now + 2))"
texts=2000
flags=()
while (($#)); do
    case $1 in
        --seeds) seeds=$2; shift 2 ;;
        --texts) texts=$2; shift 2 ;;
        --misses) flags+=(--misses); shift ;;
        *) sed -n '2,9p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
    esac
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check faker
"$work/venv/bin/pip" list --disable-pip-version-check 2>/dev/null | grep -i '^faker ' >&2
echo "seeds: $seeds; $texts texts a locale" >&2
for seed in $seeds; do
    "$work/venv/bin/python" hub-scrub/tests/integration/detect_corpus/corpus.py --seed "$seed" --texts "$texts"
done >"$work/corpus.jsonl"
cargo run --quiet --locked -p hub-scrub --example detect_recall -- \
    "$work/corpus.jsonl" --floors "${flags[@]}"
