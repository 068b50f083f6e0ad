"""Deviations of windows, of what is kept, and of what a hub says at the end of a connection."""

from . import frames, msgpack
from .deviations import Changes, Fact, kind, values
from .deviations_in_reading import Reads
from .frames import GAP, REFUSED, RESUME, SUBSCRIBE, TAKEN, UNSUBSCRIBE
from .proxy import Deviation, changed


class Subscribes(Reads):
    """Changes the options of each SUBSCRIBE that has an option of this name."""

    option = None

    def frame(self, body, frame):
        if frame[0] == SUBSCRIBE and len(frame) > 3 and isinstance(frame[3], dict) and self.option in frame[3]:
            return [changed(body, 3, self.options(dict(frame[3])))]
        return [body]


class NoWindows(Subscribes):
    place, quote = "7", "What is beyond the window waits"
    option = "window"

    def options(self, options):
        return {k: v for k, v in options.items() if k not in ("window", "keep")}


class WindowsHaveRoomForOneMore(Subscribes):
    place, quote = "7", "With a window of [events, bytes]"
    option = "window"

    def options(self, options):
        good = isinstance(options["window"], list) and len(options["window"]) == 2
        if not good or not isinstance(options["window"][0], int) or not 0 < options["window"][0] < 2**64 - 1:
            return options
        return options | {"window": [options["window"][0] + 1, options["window"][1]]}


class WindowsCountNoBytes(Subscribes):
    place, quote = "7", "With a window of [events, bytes]"
    option = "window"

    def options(self, options):
        good = isinstance(options["window"], list) and len(options["window"]) == 2
        bounded = good and isinstance(options["window"][1], int) and options["window"][1] >= 0
        return options | {"window": [options["window"][0], 2**40]} if bounded else options


class NobodyIsKept(Subscribes):
    place, quote = "12", "When its connection breaks, the hub keeps the subscription"
    option = "keep"

    def options(self, options):
        return {k: v for k, v in options.items() if k != "keep"}


class Takes(Reads):
    """Changes each TAKEN that is whole."""

    def frame(self, body, frame):
        good = frame[0] == TAKEN and len(frame) > 4 and isinstance(frame[2], int) and 0 <= frame[2] < 2**32
        return self.taken(body, frame) if good else [body]


class TakenIsForgotten(Takes):
    place, quote = "7", "The client states what its listeners have finished"

    def taken(self, body, frame):
        self.count += 1
        return [body] if self.count % 2 else []


class TakenIsAdded(Takes):
    place, quote = "7", "The number is cumulative"

    def taken(self, body, frame):
        self.count += frame[2]
        return [changed(body, 2, self.count)]


class TakenMayGoBack(Takes):
    place, quote = "7", "Events that are on their way already stay so"

    def taken(self, body, frame):
        return [changed(body, 2, max(0, frame[2] - 1))]


class WindowsStayAsTheyWere(Takes):
    place, quote = "7", "The client may set a new window"

    def taken(self, body, frame):
        return [changed(changed(body, 3, None), 4, None)]


class TooManyTakenIsIgnored(Takes):
    place, quote = "7", "A client that states more events than the hub has sent"

    def hub(self, body):
        if kind(body) == frames.RUN:
            self.count += values(body)[4]
        return [body]

    def taken(self, body, frame):
        return [body] if frame[2] <= self.count else []


class AlwaysDrains(Reads):
    place, quote = "7", "What waits in the hub because of a window comes only"

    def frame(self, body, frame):
        good = frame[0] == UNSUBSCRIBE and len(frame) > 2 and isinstance(frame[2], bool)
        return [changed(body, 2, True)] if good else [body]


class NeverDrains(Reads):
    place, quote = "16/UNSUBSCRIBE", "drain | bool"

    def frame(self, body, frame):
        good = frame[0] == UNSUBSCRIBE and len(frame) > 2 and isinstance(frame[2], bool)
        return [changed(body, 2, False)] if good else [body]


class ResumesFromTheStart(Reads):
    place, quote = "12", "Then it sends everything that came behind"

    def frame(self, body, frame):
        good = frame[0] == RESUME and len(frame) > 3 and isinstance(frame[2], int) and 0 < frame[2] < 2**32
        return [changed(body, 2, frame[2] - 1)] if good else [body]


class GapForgetsASubscription(Changes):
    place, quote = "8", "`subscriptions` has the same meaning as in RUN"
    type, index = GAP, 6

    def new(self, frame):
        return frame[6][:1]


class SelfBlockedIsOverloaded(Changes):
    place, quote = "14", "20 | `self_blocked`"
    type, index = REFUSED, 3

    def new(self, frame):
        return 19 if frame[3] == 20 else frame[3]


class RefusalsHaveNoId(Changes):
    place, quote = "6", "If the event has the header `id`"
    type, index = REFUSED, 7

    def new(self, frame):
        return None


class NothingWasKept(Fact):
    place, quote = "4", "`kept` | bool"

    def facts(self, facts):
        return facts | {"kept": False}


class AttemptsAreNotCounted(Deviation):
    place, quote = "7", "RUN states its `attempt`"

    def hub(self, body):
        parts = msgpack.elements(body) if kind(body) == frames.RUN else []
        return [b"\x98" + b"".join(parts[:8])] if len(parts) > 8 else [body]


class NotHeldIsSilent(Deviation):
    place, quote = "7", "If an ACK names such deliveries"

    def hub(self, body):
        return [] if kind(body) == REFUSED and values(body)[1] == 4 else [body]


class FailedIsDone(Reads):
    place, quote = "7", "1 | failed"

    def frame(self, body, frame):
        return [changed(body, 4, 0)] if frame[0] == frames.ACK and len(frame) > 5 and frame[4] == 1 else [body]


class DeadLettersLoseTheirOrigin(Deviation):
    place, quote = "7", "The headers stay, without `reply`"

    def hub(self, body):
        if kind(body) == frames.EVENT and b"$dead." in body:
            headers = values(body)[3]
            return [changed(body, 3, {k: v for k, v in headers.items() if not k.startswith("$dead.")})]
        return [body]
