"""Deviations of what the hub sends. Each class is one fault that a hub could have, and names the statement."""

from . import msgpack
from .frames import CLOSE, EVENT, GAP, PING, PONG, RECEIPT, REFUSED, RUN, SUBSCRIBED, WELCOME
from .proxy import Deviation, changed, reset


def kind(body):
    return body[1] if len(body) > 1 else None


def values(body):
    return [msgpack.unpack(part) for part in msgpack.elements(body)]


class Changes(Deviation):
    """Changes one element of each frame of one type, where `new` returns another value."""

    type = index = None

    def hub(self, body):
        if kind(body) != self.type:
            return [body]
        frame = values(body)
        new = self.new(frame)
        return [body] if new == frame[self.index] else [changed(body, self.index, new)]


class Runs(Deviation):
    """Gets each RUN together with its EVENTs as one list."""

    def hub(self, body):
        if kind(body) == RUN and values(body)[4]:
            self.held, self.left = [body], values(body)[4]
            return []
        if kind(body) == EVENT and self.held:
            self.held.append(body)
            self.left -= 1
            if self.left:
                return []
            whole, self.held = self.held, []
            return self.run(whole)
        return self.other(body)

    def run(self, whole):
        return whole

    def other(self, body):
        return [body]


class DropsReceipts(Deviation):
    place, quote = "6", "A RECEIPT with `next` = n states"

    def hub(self, body):
        self.count += kind(body) == RECEIPT
        return [] if kind(body) == RECEIPT and self.count % 2 == 0 else [body]


class ReceiptOneTooHigh(Changes):
    place, quote = "16/RECEIPT", "next | uint"
    type, index = RECEIPT, 1

    def new(self, frame):
        return frame[1] + 1


class RefusedBehindReceipt(Deviation):
    place, quote = "6", "A REFUSED for event n always comes before"

    def hub(self, body):
        if kind(body) == REFUSED and values(body)[1] == 0:
            self.held.append(body)
            return []
        if kind(body) in (RECEIPT, PONG, CLOSE):
            held, self.held = self.held, []
            return [body, *held] if kind(body) == RECEIPT else [*held, body]
        return [body]


class RefusedNumberOff(Changes):
    place, quote = "14", "0 | an EVENT"
    type, index = REFUSED, 2

    def new(self, frame):
        return frame[2] + 1 if frame[1] == 0 else frame[2]


class BadTopicIsMalformed(Changes):
    place, quote = "14", "4 | `bad_topic`"
    type, index = REFUSED, 3

    def new(self, frame):
        return 1 if frame[3] == 4 else frame[3]


class ForbiddenIsReserved(Changes):
    place, quote = "14", "15 | `forbidden`"
    type, index = REFUSED, 3

    def new(self, frame):
        return 5 if frame[3] == 15 else frame[3]


class UnknownSubscriptionIsSilent(Deviation):
    place, quote = "7", "If the id is unknown"

    def hub(self, body):
        return [] if kind(body) == REFUSED and values(body)[1] == 2 else [body]


class RefusalQuotesNoRule(Changes):
    place, quote = "16/REFUSED", "rule | str or nil"
    type, index = REFUSED, 5

    def new(self, frame):
        return None


class RunNumberedWrong(Changes):
    place, quote = "8", "They start at 1 and grow by 1"
    type, index = RUN, 3

    def new(self, frame):
        return msgpack.number("uint64", frame[3] + 1)

    def hub(self, body):
        return super().hub(body)


class RunInShortForms(Changes):
    place, quote = "16/RUN", "The hub writes `epoch`, `first` and `time_ms`"
    type, index = RUN, 3

    def new(self, frame):
        return msgpack.Raw(msgpack.pack(frame[3]))


class RunCountsOneLess(Changes):
    place, quote = "8", "Exactly `count` EVENT frames follow"
    type, index = RUN, 4

    def new(self, frame):
        return msgpack.number("uint32", max(0, frame[4] - 1))


class RunNamesNobody(Changes):
    place, quote = "8", "`publisher` and `time_ms` come from the hub"
    type, index = RUN, 5

    def new(self, frame):
        return frame[5].split("#")[0]


class RunTimeInSeconds(Changes):
    place, quote = "16/RUN", "time_ms | uint"
    type, index = RUN, 6

    def new(self, frame):
        return msgpack.number("uint64", frame[6] // 1000)


class RunForgetsASubscription(Changes):
    place, quote = "8", "`subscriptions` in the RUN lists"
    type, index = RUN, 7

    def new(self, frame):
        return frame[7][:1]


class EpochAbove32Bits(Changes):
    place, quote = "8", "It is below 2^32"
    type, index = RUN, 2

    def new(self, frame):
        return msgpack.number("uint64", frame[2] | 1 << 40)


class SwapsEvents(Runs):
    place, quote = "6", "The events that one client sends to one topic"

    def run(self, whole):
        return [*whole[:-2], whole[-1], whole[-2]] if len(whole) > 2 else whole


class CopiesForEachSubscription(Runs):
    place, quote = "8", "Events that were published together"

    def run(self, whole):
        return whole * 2 if self.subscribed() > 1 else whole

    def subscribed(self):
        return self.count

    def other(self, body):
        self.count += kind(body) == SUBSCRIBED
        return [body]


class PingInsideOfARun(Runs):
    place, quote = "8", "Nothing comes between a RUN"

    def run(self, whole):
        return [*whole[:1], msgpack.pack([PING, 1]), *whole[1:]]


class PongBeforeWhatWasQueued(Runs):
    place, quote = "10", "The hub has sent every delivery that was queued"

    def run(self, whole):
        self.seen.setdefault("runs", []).append(whole)
        return []

    def other(self, body):
        runs = [frame for whole in self.seen.pop("runs", []) for frame in whole]
        return [body, *runs] if kind(body) == PONG else [*runs, body]

    def rest(self):
        return [frame for whole in self.seen.pop("runs", []) for frame in whole]


class PayloadWrittenAnew(Deviation):
    place, quote = "6", "The hub checks every byte of the payload"

    def hub(self, body):
        return [changed(body, 2, values(body)[2])] if kind(body) == EVENT and not _has_ext(body) else [body]


def _has_ext(body):
    return "Ext" in repr([type(v) for v in values(body)]) or isinstance(values(body)[2], tuple)


class LosesAnEvent(Runs):
    place, quote = "8", "So a plain subscription misses nothing silently"

    def run(self, whole):
        self.count += len(whole) - 1
        if self.count > 40 and len(whole) == 2:
            self.count = 0
            return []
        return whole


class PongOfAnotherToken(Changes):
    place, quote = "10", "The receiver of a PING answers"
    type, index = PONG, 1

    def new(self, frame):
        return frame[1] & 0xFFFF_FFFF_FFFF


class NeverAsks(Deviation):
    place, quote = "10", "If nothing has come from the client since"

    def hub(self, body):
        return [] if kind(body) == PING else [body]


class GapOneTooLong(Changes):
    place, quote = "16/GAP", "to | uint or nil"
    type, index = GAP, 4

    def new(self, frame):
        return frame[4] and frame[4] + 1


class GapBeginsTooLate(Changes):
    place, quote = "16/GAP", "from | uint"
    type, index = GAP, 3

    def new(self, frame):
        return frame[3] + 1


class GapOfAnotherReason(Changes):
    place, quote = "14", "3 | `away`"
    type, index = GAP, 5

    def new(self, frame):
        return 1 if frame[5] == 3 else frame[5]


class NoGapForTheOldEpoch(Deviation):
    place, quote = "12", "is named, but has another epoch now"

    def hub(self, body):
        return [] if kind(body) == GAP and values(body)[5] == 4 else [body]


class SubscribedBeforeThePast(Runs):
    place, quote = "8", "Past events come before SUBSCRIBED"

    def run(self, whole):
        if set(values(whole[0])[7]) <= self.seen.get("placed", set()):
            return whole
        self.seen.setdefault("past", []).extend(whole)
        return []

    def other(self, body):
        past = self.seen.pop("past", []) if kind(body) in (SUBSCRIBED, PONG, CLOSE) else []
        if kind(body) == SUBSCRIBED:
            self.seen.setdefault("placed", set()).add(values(body)[1])
        return [body, *past] if kind(body) == SUBSCRIBED else [*past, body]


class NoPositions(Deviation):
    place, quote = "8", "If `positions` is true, the hub sends such a RUN"

    def hub(self, body):
        return [] if kind(body) == RUN and values(body)[4] == 0 else [body]


class ForgetsRetryAfter(Changes):
    place, quote = "11", "If `retry_after_ms` is not nil"
    type, index = CLOSE, 3

    def new(self, frame):
        return None


class TooLongIsAProtocolError(Changes):
    place, quote = "14", "205 | `frame_too_large`"
    type, index = CLOSE, 1

    def new(self, frame):
        return 201 if frame[1] == 205 else frame[1]


class ReplacedIsGoingAway(Changes):
    place, quote = "14", "206 | `replaced`"
    type, index = CLOSE, 1

    def new(self, frame):
        return 100 if frame[1] == 206 else frame[1]


class ResetInsteadOfFin(Deviation):
    place, quote = "11", "The hub never resets a connection"

    def end(self, stream):
        reset(stream)


class EndsWithoutClose(Deviation):
    place, quote = "11", "It sends CLOSE with a code, and FIN"

    def hub(self, body):
        return [] if kind(body) == CLOSE else [body]


class TalksAfterClose(Deviation):
    place, quote = "11", "CLOSE is the last frame of the side"

    def hub(self, body):
        return [body, msgpack.pack([PING, 1])] if kind(body) == CLOSE else [body]


class Fact(Changes):
    """Changes a fact of WELCOME."""

    type, index = WELCOME, 2

    def new(self, frame):
        return self.facts(dict(frame[2]))


class NoKeepaliveInWelcome(Fact):
    place, quote = "4", "All of them are always there"

    def facts(self, facts):
        del facts["keepalive_ms"]
        return facts


class ReceivedIsAlways0(Fact):
    place, quote = "4", "`received` | uint"

    def facts(self, facts):
        return facts | {"received": 0}


class NeverResumed(Fact):
    place, quote = "4", "`resumed` | bool"

    def facts(self, facts):
        return facts | {"resumed": False}


class OneNumberForAllConnections(Fact):
    place, quote = "4", "`connection` | uint"

    def facts(self, facts):
        return facts | {"connection": 1}
