"""The client's end of the CellNet dialect (releases from 2.7): one connection a session, one thread that reads it."""
