"""Words for checks in which more is published than a subscriber reads, and in which connections break."""

import bisect
import itertools

from . import msgpack
from .client import Gap
from .frames import EVENT, REFUSED

BIG = b"z" * 15_000  # four of these fill the queue of the small hub


def lost(c):
    """The connection breaks without a word. What the hub had not read yet is gone."""
    c.reset()


def asleep(t, pattern, **options):
    """A subscriber that reads nothing, so that its queue fills. With the first `read`, it reads fast again."""
    c = t.connect(receive_bytes=4096)
    c.hello()
    c.subscribe(pattern or c.facts["inbox"], **options)
    c.asleep = True
    return c


MANY = 4000  # events of 15 KB: more than the largest buffers that TCP takes on its own


def framed(elements):
    body = msgpack.pack(elements)
    return len(body).to_bytes(4, "big") + body


def fill(t, p, frames, more=20):
    """Publishes frames until the hub reads no more, which must happen before all of them are sent.

    Returns how many are to be published in all, a few more than the hub has read, and the bytes that are left.
    """
    data, ends = b"".join(frames), list(itertools.accumulate(map(len, frames)))
    rest = p.push(data)
    t.true(rest, f"the hub took {len(frames)} events, although their subscriber reads nothing")
    sent = len(data) - len(rest)
    many = min(bisect.bisect_left(ends, sent) + 1 + more, len(frames)) // 2 * 2
    return many, memoryview(data)[sent : ends[many - 1]]


def flood(t, topic, many, key=None, payload=BIG):
    """Publishes many events. The hub accepts all of them."""
    c = t.open(receipts=True)
    for first in range(0, many, 5):
        numbers = range(first, min(first + 5, many))
        c.send_all([EVENT, topic, [n, payload], {"key": key(n)} if key and key(n) else {}] for n in numbers)
    seen = c.until_receipt(many)
    t.true(all(frame[0] != REFUSED for frame in seen), "an event was refused")


def accounted(t, got, many, first=1):
    """Each number from the first on comes once, in an event or in a GAP, and in order within its kind."""
    numbers = []
    for d in got:
        numbers += range(d.first, d.last + 1) if isinstance(d, Gap) else [d.number]
    t.equal(sorted(numbers), list(range(first, many + 1)), "all numbers, each in one event or one GAP")
