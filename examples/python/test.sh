#!/bin/bash
# Tests the small client against a hub: bash examples/python/test.sh 127.0.0.1:4820 [events [cuts]]
#
# A round trip, and then so many events (5,000) while the connections are cut so often (100).
# Installs msgpack from PyPI into a virtual environment in a temporary folder, which is removed
# again. Needs python3 with venv; on Debian, as root, the package python3-venv is installed.
set -euo pipefail
address="${1:?which hub? Give its address, such as 127.0.0.1:4820}"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        echo "python3 or its venv is missing: installing python3-venv."
        apt-get update -q
        DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends python3-venv
    else
        echo "python3 with venv is missing. On Debian, as root: apt-get install python3-venv" >&2
        exit 1
    fi
fi

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
echo "Installing msgpack from PyPI into a temporary virtual environment."
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check 'msgpack>=1.0'
export PYTHONDONTWRITEBYTECODE=1
"$folder/bin/python" "$here/round_trip.py" "$address"
"$folder/bin/python" "$here/cuts.py" "$address" "${2:-5000}" "${3:-100}"
