"""What a user asks of the control surface. Light: whoever makes a server without one imports no more than this."""

from __future__ import annotations

import dataclasses
import secrets

CONTROL_FILE = "control.json"
"""Where a server says, in its workspace, how to reach its control surface."""
URL_VARIABLE = "FLARE_MOCK_URL"
TOKEN_VARIABLE = "FLARE_MOCK_TOKEN"  # noqa: S105 - a name
WORKSPACE_VARIABLE = "FLARE_MOCK_WORKSPACE"

MAX_BODY = 8 * 1024 * 1024
"""Bytes of a body; a scenario with a million jobs of others takes a few lines."""

_MIN_TOKEN = 8


@dataclasses.dataclass(frozen=True)
class ControlSettings:
    """How a server may be controlled.

    Attributes:
        port: where the surface listens on 127.0.0.1; a free port for 0.
        token: what callers must show; one is drawn where it is ``None``. Empty: nobody is asked for one.

    Raises:
        ValueError: it is no port, or the token cannot stand in a header or is too short to be a secret.
    """

    port: int = 0
    token: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError(f"expected a port from 0 to 65535 for the control surface, but got {self.port}")
        if self.token and not (self.token.isascii() and self.token.isprintable() and " " not in self.token):
            raise ValueError("expected a control token of printable ASCII without spaces, but got another one")
        if self.token and len(self.token) < _MIN_TOKEN:
            raise ValueError(f"expected a control token of {_MIN_TOKEN} characters or more, but got {len(self.token)}")

    def drawn_token(self) -> str:
        """The token that counts, drawn where nobody gave one; empty where nobody is asked for one."""
        return secrets.token_urlsafe(24) if self.token is None else self.token


def too_large(size: int) -> str:
    """What is said of a body of so many bytes."""
    return f"expected a body of at most {MAX_BODY:,} bytes, but got {size:,}"


def read_control(value: bool | int | ControlSettings) -> ControlSettings | None:
    """What the maker of a server gave, read; ``None``: there is to be no control surface.

    Raises:
        ValueError: it is no port.
    """
    if isinstance(value, ControlSettings):
        return value
    if isinstance(value, bool):
        return ControlSettings() if value else None
    return ControlSettings(port=value)
