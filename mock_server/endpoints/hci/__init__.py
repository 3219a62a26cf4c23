"""The socket dialect on the server's side: connections of an asyncio loop around the protocol's state machine."""
