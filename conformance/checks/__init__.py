"""The checks, one file a section of PROTOCOL.md."""
