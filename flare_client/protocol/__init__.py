"""The wire, without I/O: envelopes, framing, commands, releases, kits, signing. Written once, used by both ends."""
