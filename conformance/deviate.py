#!/usr/bin/env python3
"""Shows that the checks can fail: plants one deviation after the other in front of a real hub, and runs them.

A deviation is caught if a check fails with it, fails again, and passes without it. The table names that check.
"""

import argparse
import inspect
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from suite import deviations, deviations_in_reading, deviations_of_windows, document, runner  # noqa: E402
from suite.check import CHECKS  # noqa: E402
from suite.deviations_in_reading import Reads  # noqa: E402
from suite.hubs import Hubs  # noqa: E402
from suite.proxy import Deviation, Proxy  # noqa: E402


class Deviating:
    """The hubs of the suite, with a proxy in front of each. They are new each time, as for a run of the suite."""

    def __init__(self, binary, make):
        self.hubs, self.make, self.addresses, self.proxies = Hubs(binary), make, {}, []
        self.binary, self.access_file = self.hubs.binary, self.hubs.access_file
        self.file = self.hubs.file

    @property
    def token(self):
        return self.hubs.token

    def _behind(self, address):
        self.proxies.append(Proxy(address, self.make))
        return self.proxies[-1].address

    def address(self, kind):
        if kind not in self.addresses:
            real = self.hubs.address(kind)
            self.addresses[kind] = real if kind == "tls" else self._behind(real)
        return self.addresses[kind]

    def own(self, test, keys):
        process = self.hubs.own(test, keys)
        if "tls_cert" not in keys:
            process.address = self._behind(process.address)
        return process

    def end(self):
        for proxy in self.proxies:
            proxy.close()
        self.hubs.end()


def all_deviations():
    for module in (deviations, deviations_in_reading, deviations_of_windows):
        for _, made in inspect.getmembers(module, inspect.isclass):
            if made.__module__ == module.__name__ and issubclass(made, Deviation) and made.quote:
                yield made


def run(binary, make, checks, jobs, first_only):
    """Runs the checks behind a deviation. Returns the failures, and how many seconds it took."""
    began, behind = time.monotonic(), Deviating(binary, make)
    try:
        bad = lambda result: first_only and result.outcome == "failed"  # noqa: E731
        results = runner.run(checks, behind, jobs, stop=bad)
    finally:
        behind.end()
    return [r for r in results if r.outcome in ("failed", "known")], time.monotonic() - began


def caught_by(made, clean, binary, checks, jobs):
    """The first failure that comes again with the deviation, and does not come without it."""
    rest = list(checks)
    random.Random(made.__name__).shuffle(rest)
    while rest:
        failed = run(binary, made, rest, jobs, first_only=True)[0]
        if not failed:
            return None
        for result in failed:
            alone = [result.check]
            if run(binary, made, alone, 1, True)[0] and not run(binary, clean, alone, 1, True)[0]:
                return result
        rest = [check for check in rest if check not in [r.check for r in failed]]
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hub", metavar="PATH", required=True, help="the binary to start")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="only deviations whose name contains this"
    )
    parser.add_argument("--jobs", type=int, default=8, help="how many checks run at once (8)")
    parser.add_argument(
        "--least", type=float, default=0.93, help="the share that must be caught (0.93, which is 28 of 30)"
    )
    chosen = parser.parse_args()
    _, faults = runner.load()
    statements = document.read()
    chosen_ones = [d for d in all_deviations() if not chosen.only or any(part in d.__name__ for part in chosen.only)]
    for made in chosen_ones:
        if len(document.find(statements, made.place, made.quote)) != 1:
            faults.append(f"{made.__name__} quotes no statement of §{made.place}: {made.quote}")
    caught, good = 0, {}
    for clean, what in (
        (Deviation, "a proxy that changes nothing"),
        (Reads, "a proxy that reads frames and changes nothing"),
    ):
        failed, seconds = run(chosen.hub, clean, CHECKS, chosen.jobs, first_only=False)
        good[clean] = [check for check in CHECKS if check not in [r.check for r in failed]]
        names = ", ".join(r.check.name for r in failed)
        print(f"{what}: {len(CHECKS)} checks in {seconds:.0f} s; these fail and do not count: {names}", flush=True)
    for made in chosen_ones:
        began, clean = time.monotonic(), Reads if issubclass(made, Reads) else Deviation
        found = caught_by(made, clean, chosen.hub, good[clean], chosen.jobs)
        caught += bool(found)
        print(
            f"{'caught' if found else 'MISSED'} {time.monotonic() - began:5.1f} s  {made.__name__:30} §{made.place} “{made.quote[:48]}”",
            flush=True,
        )
        if found:
            print(f"{'':17} by {found.check.name}: {found.seen.splitlines()[0][:100]}", flush=True)
    for fault in faults:
        print(f"failed  {fault}")
    print(f"{caught} of {len(chosen_ones)} deviations were caught")
    sys.exit(1 if faults or caught < chosen.least * len(chosen_ones) else 0)


if __name__ == "__main__":
    main()
