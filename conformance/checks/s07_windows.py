"""Section 7: windows, and what TAKEN says."""

from suite import msgpack
from suite.check import Section
from suite.frames import EVENT, GAP, RUN
from suite.windows import numbers, publish

S = Section("7")


@S.check(
    "With a window of [events, bytes]",
    "An event is on its way from the moment",
    "The client states what its listeners have finished",
    "In TAKEN, `taken` counts the events",
    "Within the window, the hub sends at once",
    "What is beyond the window waits",
    ("16/TAKEN", "`[14, subscription, taken, events or nil, bytes or nil]`"),
    ("16/TAKEN", "subscription | uint"),
    ("16/TAKEN", "taken | uint"),
    ("16/TAKEN", "It is not answered"),
    ("10", "The hub has sent every delivery that was queued"),
)
def no_more_than_the_window_is_on_its_way(t):
    c = t.open()
    number, _ = c.subscribe(t.topic(), window=[5, 1_000_000])
    publish(t, t.topic(), 30)
    t.equal(numbers(c), [1, 2, 3, 4, 5], "what is on its way, with a window of 5")
    for taken, due in ((1, [6]), (4, [7, 8, 9]), (5, [10]), (10, [11, 12, 13, 14, 15])):
        c.taken(number, taken)
        t.equal(numbers(c), due, f"what comes when {taken} are finished")
    c.taken(number, 15)
    c.taken(number, 20)
    t.equal(numbers(c), list(range(16, 26)), "what comes with two TAKEN at once, each of what was sent")
    c.taken(number, 25)
    t.equal(numbers(c), list(range(26, 31)), "the rest")


@S.check("The number is cumulative")
def an_older_number_changes_nothing(t):
    c = t.open()
    number, _ = c.subscribe(t.topic(), window=[4, 1_000_000])
    publish(t, t.topic(), 20)
    t.equal(len(numbers(c)), 4, "the events on their way")
    c.taken(number, 3)
    t.equal(numbers(c), [5, 6, 7], "one TAKEN for three events")
    for again in (3, 2, 0, 3):
        c.taken(number, again)
        t.equal(numbers(c), [], f"what comes with {again} behind 3")
    c.taken(number, 7)
    t.equal(numbers(c), [8, 9, 10, 11], "what comes when all are finished")


@S.check("The count goes over all topics", "GAPs, and RUNs without events, do not count")
def the_count_goes_over_topics_and_passes_over_gaps(t):
    for n in range(3):
        publish(t, t.topic(str(n)), 1)
    c = t.open()
    number, before = c.subscribe(t.topic("*"), window=[3, 1_000_000], positions=True)
    t.equal([f[4] for f in before], [0, 0, 0], "the RUNs without events")
    for n in range(3):
        publish(t, t.topic(str(n)), 2, 1)
    first = c.delivered(c.flush())
    t.equal(len(first), 3, "the events on their way, whatever their topics")
    c.taken(number, 2)
    second = c.delivered(c.flush())
    t.equal(len(second), 2, "the events that have room when two are finished")
    c.taken(number, 5)
    got = first + second + c.delivered(c.flush())
    due = [(t.topic(str(n)), k) for n in range(3) for k in (1, 2)]
    t.equal(sorted((d.topic, d.payload) for d in got), due, "all events")


@S.check("GAPs, and RUNs without events, do not count", hub="bare")
def a_gap_is_not_counted(t):
    publish(t, t.topic(), 10)
    c = t.open()
    number, before = c.subscribe(t.topic(), window=[2, 1_000_000], after={})
    t.equal([f[0] for f in before], [GAP, RUN, EVENT], "nine missing events and the last one")
    publish(t, t.topic(), 3, 10)
    t.equal(numbers(c), [11], "what has room beside the past event")
    c.taken(number, 2)
    t.equal(numbers(c), [12, 13], "the rest, which would not have room if the GAP had counted")


@S.check(
    "A client that states more events than the hub has sent",
    ("13", "a malformed PING, PONG, CLOSE, TAKEN, ACK or RESUME"),
)
def who_takes_more_than_was_sent_is_closed(t):
    for many, taken in ((0, 1), (3, 4), (3, 2**64 - 1), (9, 6)):
        c, topic = t.open(), t.topic(f"{many}.{taken}")
        number, _ = c.subscribe(topic, window=[5, 1_000_000])
        publish(t, topic, many)
        t.equal(len(numbers(c)), min(many, 5), "the events on their way")
        c.taken(number, taken)
        c.expect_close("protocol_error")


@S.check("With a window of [events, bytes]", "One event may always be on its way")
def bytes_are_bounded_and_one_event_has_room(t):
    c = t.open()
    size = len(msgpack.pack([EVENT, t.topic(), [0, b"x" * 1000]])) + 4  # with its length
    number, _ = c.subscribe(t.topic(), window=[100, 3 * size])
    publish(t, t.topic(), 6, fill=b"x" * 1000)
    t.equal(numbers(c), [1, 2, 3], "three events of the window's size")
    c.taken(number, 1)
    t.equal(numbers(c), [4], "the fourth")
    publish(t, t.topic(), 1, fill=b"x" * 50_000)
    c.taken(number, 4)
    t.equal(numbers(c), [5, 6], "what comes before one that is larger than the window")
    c.taken(number, 5)
    t.equal(numbers(c), [], "what comes while another event is on its way")
    c.taken(number, 6)
    t.equal(numbers(c), [7], "an event that is larger than the window")
    d = t.open()
    number, _ = d.subscribe(t.topic(), window=[100, 3 * size - 1])
    publish(t, t.topic(), 6, fill=b"x" * 1000)
    t.equal(numbers(d), [8, 9], "what a window has room for that is a byte too small for three")


@S.check(
    "The client may set a new window",
    "Events that are on their way already stay so",
    ("16/TAKEN", "events | uint or nil"),
    ("16/TAKEN", "bytes | uint or nil"),
)
def a_window_can_be_set_anew(t):
    c = t.open()
    number, _ = c.subscribe(t.topic(), window=[2, 1_000_000])
    publish(t, t.topic(), 40)
    t.equal(numbers(c), [1, 2], "with a window of 2")
    c.taken(number, 0, 5)
    t.equal(numbers(c), [3, 4, 5], "with a window of 5")
    c.taken(number, 0, 2)
    c.taken(number, 3)
    t.equal(numbers(c), [], "with a window of 2, and two events on their way")
    c.taken(number, 5, None, None)
    t.equal(numbers(c), [6, 7], "with nil, as before")
    c.taken(number, 7, 30, 1)
    t.equal(numbers(c), [8], "with a window of 1 byte")
    c.taken(number, 7, None, 1_000_000)
    t.equal(numbers(c), list(range(9, 38)), "with 30 events, which stood before")


@S.check("`window` | [events, bytes]")
def windows_are_two_numbers(t):
    for good in ([1, 0], [1, 1], [2**64 - 1, 2**64 - 1]):
        t.subscriber(t.topic(), window=good)
    for bad in ([0, 1], [0, 0], [], [1], [-1, 5], [1, -1], ["1", 1], [None, 1], [1, None], 5, "x", {1: 1}, True):
        t.refuses_subscribe(["bad_option", "malformed"], t.topic(), {"window": bad})


@S.check("Without a window, the connection itself is the bound", "Such a subscription sends no TAKEN",
    ("13", "a TAKEN for a subscription that does not exist"))  # fmt: skip
def without_a_window_nothing_is_counted(t):
    c = t.open()
    number, _ = c.subscribe(t.topic())
    for taken in (0, 5, 2**64 - 1):
        c.taken(number, taken)
        c.taken(77, taken, 1, 1)
    publish(t, t.topic(), 500)
    t.equal(numbers(c), list(range(1, 501)), "the events, none of which was taken")
    c.taken(number, 7, 1, 1)
    publish(t, t.topic(), 5)
    t.equal(len(numbers(c)), 5, "the events behind a TAKEN with a window")


@S.check("A window that holds what comes in several times")
def a_large_window_never_holds_anything_back(t):
    c, many, quarter = t.open(), 2_000, 250
    number, _ = c.subscribe(t.topic(), window=[4 * quarter, 4_000_000], overflow="block")
    p, taken, told = t.open(), 0, 0
    for first in range(0, many, 100):
        p.send_all([EVENT, t.topic(), n] for n in range(first, first + 100))
        p.flush()
        taken += len(numbers(c))
        t.equal(taken, first + 100, "the events that came at once")
        if taken - told >= quarter:
            told = taken
            c.taken(number, taken)
