"""The server's half of a kit made by official provisioning, taken as it is: admin kits of that project then fit.

``reading.py`` reads it, ``release.py`` tells by which release it was made, ``place.py`` where it may be listened.
"""

from __future__ import annotations

from mock_server.server_kit.place import listening_host
from mock_server.server_kit.reading import ServerKit, ServerKitError, read_server_kit
from mock_server.server_kit.release import releases_of

__all__ = ["ServerKit", "ServerKitError", "listening_host", "read_server_kit", "releases_of"]
