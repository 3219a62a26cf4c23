"""The CellNet dialect of releases 2.7-2.9: frames, cell messages, streams, and what travels in them; without I/O."""
