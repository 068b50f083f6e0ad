#!/usr/bin/env python3
"""Prints which normative statements of PROTOCOL.md have no check, and which quotes match nothing.

Normative is every sentence, list item, table row and example of sections 1 to 16, unless suite/exempt.py
names it with a reason. So a statement that is added to the document needs a check from its first day on.
"""

import argparse
import collections
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from suite import runner  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="print every statement with its checks or its reason")
    chosen = parser.parse_args()
    statements, faults = runner.load()
    statements = [s for s in statements if s.place != "17"]
    counts = collections.Counter()
    for s in statements:
        state = s.exempt or ("checked" if s.checks else "UNCHECKED")
        counts[state] += 1
        if chosen.all or state == "UNCHECKED":
            print(f"§{s.place:<14} line {s.line:<5} {state:10} {s.text[:110]}")
            for name in s.checks + s.cases if chosen.all else ():
                print(f"{'':33} {name}")
    for fault in faults:
        print(f"failed  {fault}")
    exempt = sum(n for state, n in counts.items() if state not in ("checked", "UNCHECKED"))
    print(
        f"{len(statements)} statements: {len(statements) - exempt} normative, {counts['checked']} of them checked; {exempt} exempt:"
    )
    for state, n in counts.most_common():
        if state not in ("checked", "UNCHECKED"):
            print(f"  {n:3} {state}: {runner.REASONS[state]}")
    told = [s for s in statements if s.exempt == "client"]
    print(
        f"{sum(bool(s.cases) for s in told)} of the {len(told)} statements for clients have a case in behaviour.json; without one are:"
    )
    for s in told:
        if not s.cases:
            print(f"      §{s.place} {s.text[:100]}")
    sys.exit(1 if counts["UNCHECKED"] or faults else 0)


if __name__ == "__main__":
    main()
