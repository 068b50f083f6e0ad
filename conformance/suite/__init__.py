"""The parts of the conformance suite: the wire, the client, the hubs, the document, the report."""
