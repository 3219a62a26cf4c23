"""How frames travel: over WebSocket, TCP or gRPC, as the kit says."""
