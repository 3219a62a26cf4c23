"""The socket dialect (releases 2.3-2.6): one connection a command, JSON lines, three kinds of file transfer."""
