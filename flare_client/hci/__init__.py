"""The client's end of the socket dialect (releases to 2.6): a connection a command."""
