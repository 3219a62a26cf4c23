"""The CellNet dialect on the server's side: one module a transport, and what they share."""
