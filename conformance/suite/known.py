"""The checks that fail today, each with the reason in one line. A run says when one of them passes.

A check says what PROTOCOL.md says, also where the hub does something else. Whoever mends the hub takes the
line out.
"""

KNOWN = {
    "after_names_topics": "SUBSCRIBE accepts keys in `after` that are no topic names",
}
