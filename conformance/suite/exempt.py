"""The statements that need no check, each with the kind of its reason.

The list is short on purpose: whatever states what a hub does, a type, a limit or a code belongs to a check.
"""

REASONS = {
    "client": "tells clients what to do, so no hub can break it; a case of behaviour.json holds clients to it, if a program can",
    "reason": "gives a heading, a reason or a notation, and states nothing that could be broken",
    "later": "is about later versions of the hub",
    "unreachable": "nothing that a client sends, and no configuration, brings this about",
}

EXEMPT = [
    ("client", "1", "Some libraries need an option for that"),
    ("reason", "1", "Libraries choose these forms by themselves"),
    ("client", "1", "In a language whose numbers are exact only up to 2^53"),
    ("reason", "1", "Section 13 says which code answers"),
    ("reason", "1", "Always read"),
    ("reason", "1", "TCP then makes the client's writes wait"),
    ("reason", "1", "A client that waits in a write"),
    ("client", "1", "So read and write independently"),
    ("client", "2", "Before WELCOME, a client should accept"),
    ("client", "4", "A client must ignore keys that it does not know"),
    ("reason", "7", "To ignore the option would be"),
    ("client", "7", "So keep the number of events without a RECEIPT small"),
    ("client", "7", "Send TAKEN before the window is used up"),
    ("client", "8", "The client must pass over an id"),
    ("reason", "8", "`publisher` and `time_ms` have no meaning in such a RUN"),
    ("client", "9", "So the client must let its open requests fail"),
    ("reason", "10", "Keep-alive"),
    ("client", "10", "A client should check the hub in the same way"),
    ("unreachable", "10", "A `keepalive_ms` of 0 means"),
    ("reason", "10", "Flush barrier"),
    ("client", "11", "A stream that ends without CLOSE"),
    ("client", "11", "That also holds for codes that you do not know"),
    ("client", "11", "Otherwise wait for a short random time"),
    ("reason", "12", "There is one special case"),
    ("client", "12", "A client gave up a connection before WELCOME came"),
    ("client", "12", "Such a client should come back once"),
    ("client", "13", "A client that gets a frame it cannot understand"),
    ("client", "13", "It should ignore a frame with a type"),
    ("unreachable", "14", "104 | `internal`"),
    ("client", "14", "It helps to send a refused frame again"),
    ("later", "15", "The following may change without a new version"),
    ("later", "15", "There are more codes"),
    ("client", "15", "Treat an unknown code of REFUSED or GAP"),
    ("client", "15", "A REFUSED with an unknown `what`"),
    ("later", "15", "There are more frame types from the hub"),
    ("client", "15", "Ignore them"),
    ("reason", "16", "The meaning writes bytes as"),
    ("client", "16/RUN", "Any width is allowed"),
]
