"""Runs checks in parallel, and says what became of each."""

import concurrent.futures
import importlib
import json
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from . import document
from .check import CHECKS, Failure, Skip, Test
from .exempt import EXEMPT, REASONS
from .known import KNOWN

FOLDER = Path(__file__).resolve().parents[1] / "checks"
BEHAVIOUR = FOLDER.parent / "behaviour.json"


@dataclass
class Result:
    check: object
    outcome: str  # passed, failed, known, skipped
    seen: str
    seconds: float


def load():
    """Imports all checks, and joins them to the statements. Returns the statements and what does not fit."""
    if not CHECKS:
        for file in sorted(FOLDER.glob("s*.py")):
            importlib.import_module(f"checks.{file.stem}")
    statements, faults = document.read(), []
    for check in CHECKS:
        check.statements = [
            _one(statements, place, quote, f"the check {check.name}", faults) for place, quote in check.quotes
        ]
        for statement in filter(None, check.statements):
            statement.checks.append(check.name)
    for kind, place, quote in EXEMPT:
        statement = _one(statements, place, quote, "an exemption", faults)
        if statement:
            statement.exempt = kind
            if statement.checks or kind not in REASONS:
                faults.append(f"§{place} is exempt and has a check: {statement.text[:80]}")
    for case in json.loads(BEHAVIOUR.read_text(encoding="utf-8"))["cases"]:
        for place, quote in case.get("statements", []):
            statement = _one(statements, place, quote, f"the case “{case['name']}”", faults)
            if statement:
                statement.cases.append(case["name"])
    names = [check.name for check in CHECKS]
    faults += [f"two checks have the name {name}" for name in set(names) if names.count(name) > 1]
    faults += [f"KNOWN names no check: {name}" for name in KNOWN if name not in names]
    return statements, faults


def _one(statements, place, quote, who, faults):
    found = document.find(statements, place, quote)
    if len(found) != 1:
        faults.append(f"{who} quotes {len(found) or 'no'} statements of §{place}: {quote}")
        return None
    return found[0]


def run(checks, hubs, jobs=8, wait=10.0, told=None, stop=None):
    """Runs the checks, each with `told(result)` when it is done. `stop(result)` may end the run early."""
    results, over = [], threading.Event()

    def one(check):
        if over.is_set():
            return
        result = _run(check, hubs, wait)
        results.append(result)
        if told:
            told(result)
        if stop and stop(result):
            over.set()

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        list(pool.map(one, checks))
    return results


def _run(check, hubs, wait):
    test, began = Test(hubs, check.hub, wait), time.monotonic()
    try:
        check.run(test)
        outcome, seen = "passed", "no longer fails: take it out of KNOWN" if check.name in KNOWN else ""
    except Skip as reason:
        outcome, seen = "skipped", str(reason)
    except Failure as failure:
        outcome, seen = "failed", str(failure)
        if failure.__traceback__ and test.opened and "\n" not in seen:
            seen += test.opened[-1].seen()
    except Exception as error:  # a fault of the check itself is a failure too, and never stops the others
        outcome, seen = "failed", f"{error!r}\n{traceback.format_exc(limit=-3)}"
    finally:
        test.end()
    if outcome == "failed" and check.name in KNOWN:
        outcome, seen = "known", f"{KNOWN[check.name]}\n        {seen}"
    return Result(check, outcome, seen, time.monotonic() - began)
