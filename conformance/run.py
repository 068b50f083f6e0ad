#!/usr/bin/env python3
"""Checks a hub against every normative statement of PROTOCOL.md. See README.md in this folder."""

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from suite import runner  # noqa: E402
from suite.check import CHECKS  # noqa: E402
from suite.hubs import Hubs  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", nargs="?", metavar="HOST:PORT", help="a hub that runs, with its defaults")
    parser.add_argument("--hub", metavar="PATH", help="start this binary, with each configuration that a check needs")
    parser.add_argument(
        "--at",
        action="append",
        default=[],
        metavar="KIND=HOST:PORT",
        help="a further hub that runs; README.md lists the kinds",
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="TEXT",
        help="only checks whose name, place (§7) or sentence contains this",
    )
    parser.add_argument("--json", metavar="FILE", help="write the results to this file too")
    parser.add_argument("--jobs", type=int, default=8, help="how many checks run at once (8)")
    parser.add_argument("--wait", type=float, default=10, help="how many seconds a frame may take (10)")
    parser.add_argument("--strict", action="store_true", help="failures that are listed in KNOWN are failures too")
    parser.add_argument("--quiet", action="store_true", help="print only what did not pass")
    chosen = parser.parse_args()
    if not chosen.address and not chosen.hub:
        parser.error("HOST:PORT or --hub PATH is needed")
    return chosen


def wanted(check, only):
    texts = [check.name, *(f"§{place}" for place, _ in check.quotes), *(s.text for s in check.statements if s)]
    return not only or any(
        part in text if not part.startswith("§") else part == text for part in only for text in texts
    )


def tell(result, quiet):
    if quiet and result.outcome == "passed" and not result.seen:
        return
    place, quote = result.check.quotes[0]
    more = f" (+{len(result.check.quotes) - 1})" if len(result.check.quotes) > 1 else ""
    seen = f"\n        {result.seen}" if result.seen else ""
    print(f"{result.outcome:7} §{place:<14} {result.check.name}: “{quote[:70]}”{more}{seen}", flush=True)


def main():
    chosen = arguments()
    statements, faults = runner.load()
    addresses = dict(at.split("=", 1) for at in chosen.at)
    if chosen.address:
        addresses["plain"] = chosen.address
    hubs, began = Hubs(chosen.hub, addresses), time.monotonic()
    checks = [check for check in CHECKS if wanted(check, chosen.only)]
    try:
        results = runner.run(checks, hubs, chosen.jobs, chosen.wait, lambda result: tell(result, chosen.quiet))
    finally:
        hubs.end()
    counts = {
        outcome: sum(r.outcome == outcome for r in results) for outcome in ("passed", "failed", "known", "skipped")
    }
    for fault in faults:
        print(f"failed  {fault}")
    print(
        f"{len(results)} checks in {time.monotonic() - began:.1f} s: "
        + ", ".join(f"{n} {o}" for o, n in counts.items() if n)
    )
    if chosen.json:
        rows = [
            {"check": r.check.name, "outcome": r.outcome, "seen": r.seen, "seconds": round(r.seconds, 3),
             "statements": [{"place": s.place, "line": s.line, "text": s.text} for s in r.check.statements if s]}
            for r in results
        ]  # fmt: skip
        Path(chosen.json).write_text(json.dumps({"counts": counts, "faults": faults, "checks": rows}, indent=1))
    bad = counts["failed"] + len(faults) + (counts["known"] if chosen.strict else 0)
    sys.exit(1 if bad or not results else 0)


if __name__ == "__main__":
    main()
