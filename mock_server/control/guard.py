"""Who may ask: programs of this machine that know the token, and the page that came from here.

A page of another site can send requests to loopback, and by DNS rebinding even under a name that its browser takes for
its own. So the ``Host`` must be one of ours, an ``Origin`` must be the one of our page, and what does anything asks for
a token in a header, which a browser sends across sites only after a preflight that is never answered.
"""

from __future__ import annotations

import http
import secrets
from collections.abc import Iterable, Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mock_server.control.problems import Problem
from mock_server.control.settings import MAX_BODY, too_large

API = "/v1"
"""Where the API begins. What is outside is the page, which holds no secret."""
OPEN_PATHS = frozenset({f"{API}/openapi.json"})
"""What of the API tells nothing of the server."""

_ALWAYS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """Lets through who may ask, and gives each answer the headers that keep a browser from misusing it.

    Args:
        app: what it stands before.
        hosts: the values of ``Host`` that name this server.
        token: what callers must show; empty: nobody is asked.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], token: str) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._token = token.encode("ascii")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] != "http":
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _ALWAYS.items():
                    headers[name] = value
            await send(message)

        try:
            self._check(scope["path"], Headers(scope=scope))
        except Problem as problem:
            await problem.response()(scope, receive, send_guarded)
            return
        await self._app(scope, _limited(receive), send_guarded)

    def _check(self, path: str, headers: Headers) -> None:
        host = headers.get("host", "").lower()
        if host not in self._hosts:
            expected = ", ".join(sorted(self._hosts))
            raise Problem(http.HTTPStatus.MISDIRECTED_REQUEST, f"expected a Host of {expected}, but got {host!r:.100}")
        origin = headers.get("origin")
        if origin is not None and origin.lower() != f"http://{host}":
            raise Problem(
                http.HTTPStatus.FORBIDDEN,
                f"expected no Origin, or http://{host}, but got {origin!r:.100}: pages of others have no access",
            )
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > MAX_BODY:
            raise Problem(http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE, too_large(int(length)))
        if self._token and path.startswith(API) and path not in OPEN_PATHS:
            self._check_token(headers)

    def _check_token(self, headers: Headers) -> None:
        given = headers.get("authorization")
        challenge = {"WWW-Authenticate": 'Bearer realm="flare-mock control"'}
        if given is None:
            text = "expected the header `Authorization: Bearer TOKEN` with the token that the server said at its start"
            raise Problem(http.HTTPStatus.UNAUTHORIZED, f"{text}, but it is not there", headers=challenge)
        scheme, _, token = given.partition(" ")
        shown = token.strip().encode("latin-1", "replace")
        if scheme.lower() != "bearer" or not secrets.compare_digest(shown, self._token):
            text = "expected `Bearer` and the token of this server in the header Authorization, but got another one"
            raise Problem(http.HTTPStatus.UNAUTHORIZED, text, headers=challenge)


def _limited(receive: Receive) -> Receive:
    """Take a body up to its limit, also one that does not say its length."""
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MAX_BODY:
            # The one exception that the framework lets through while it reads a body.
            raise HTTPException(http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE, too_large(taken))
        return message

    return limited
