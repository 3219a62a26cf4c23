"""What a check may need beside a client and a server that it may use."""

from __future__ import annotations

import enum


class Need(enum.Enum):
    """One need; the value is how a report names it."""

    CONTROL = "control of the server"
    """Servers with scenarios, users and kits of the check's choice."""
    FAULTS = "a server on which things can be made to go wrong"
    """Faults by name: see ``ControlledServer.inject``."""
    TLS = "a server whose certificate and TLS version can be made wrong"
    """Not to be had where a library does the TLS, as that of gRPC."""
    RUNNING = "sites that run jobs"
    """Jobs that really start and end."""
    TRANSCRIPT = "the transcript of the server"
    """What the client put on the wire."""
    BASIC_CB = "a client with basic_cb_with_print"
    DEBUG = "a client with a debug flag"
    THREADS = "a client that several threads can drive"
    CLOCK = "a client that waits on the server's clock"
    """A day of waiting takes no time then; not to be had of a client outside this process."""


CLIENT_NEEDS = frozenset({Need.BASIC_CB, Need.DEBUG, Need.THREADS, Need.CLOCK})
"""The needs that a client meets or not, by the features it states; a server meets the others."""
