"""Words for checks about windows."""

from .frames import EVENT


def publish(t, topic, many, first=0, fill=b""):
    """Publishes events whose payloads are the numbers from `first` on, and waits until the hub has them."""
    c = t.open()
    c.send_all([EVENT, topic, [n, fill] if fill else n] for n in range(first, first + many))
    c.nothing()


def numbers(c):
    """The event numbers that come before a PONG."""
    return [d.number for d in c.delivered(c.flush())]
