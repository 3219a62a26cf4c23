"""Asks the control API of a server, wherever it is found. Knows the addresses and the problems, and no commands."""

from __future__ import annotations

import dataclasses
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from mock_server.control.settings import CONTROL_FILE, MAX_BODY, TOKEN_VARIABLE, URL_VARIABLE, too_large

_SECONDS = 60.0
"""For an answer; what waits on purpose says for how long."""


class Unreachable(Exception):
    """The server cannot be asked; the text says why."""


class Refused(Exception):
    """The server says no; the text is what it says."""


@dataclasses.dataclass(frozen=True)
class Connection:
    """The control API of one server.

    Attributes:
        url: where it is.
        token: what it asks for; empty: nothing.
    """

    url: str
    token: str

    def get(self, path: str, **query: Any) -> Any:
        """Look at something."""
        return self.ask("GET", path, query=query)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        seconds: float | None = _SECONDS,
    ) -> Any:
        """Ask for something, and return the content of the answer; ``None`` where it has none.

        Args:
            method: of HTTP.
            path: below ``/v1/``.
            body: what goes along, as JSON.
            query: parameters; those that are ``None`` are left out, and a sequence is repeated.
            seconds: for the answer; ``None`` for as long as it takes.

        Raises:
            Refused: the server says no.
            Unreachable: it cannot be asked.
        """
        with self.open(method, path, body, query=query, seconds=seconds) as answer:
            content = answer.read()
            if not content:
                return None
            try:
                return json.loads(content)
            except ValueError:
                raise Unreachable(
                    f"expected JSON from {self.url}, but got {content[:60]!r}: is it the right port?"
                ) from None

    def open(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        seconds: float | None = _SECONDS,
        accept: str = "application/json",
    ) -> IO[bytes]:
        """The answer as a stream; see ``ask``."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        words = f"?{urllib.parse.urlencode(given, doseq=True)}" if given else ""
        headers = {"Accept": accept}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
            if len(data) > MAX_BODY:
                # The server would say so and hang up, and who still sends would not hear it.
                raise Refused(too_large(len(data)))
        address = f"{self.url}/v1/{path}{words}"
        try:
            request = urllib.request.Request(address, data, headers, method=method)  # noqa: S310 - checked by `find`
            # Never by a proxy: it is this machine.
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            answer: IO[bytes] = opener.open(request, timeout=seconds)
        except urllib.error.HTTPError as problem:
            with problem:
                raise _refused(problem) from None
        except urllib.error.URLError as problem:
            reason = getattr(problem.reason, "strerror", None) or problem.reason
            raise Unreachable(f"expected a mock server's control API at {self.url}, but {reason}") from None
        except TimeoutError:
            raise Unreachable(f"expected an answer of {self.url} within {seconds:g} s, but there is none") from None
        except (OSError, http.client.HTTPException, ValueError) as problem:
            raise Unreachable(f"expected a mock server's control API at {self.url}, but {problem!r}") from None
        return answer

    def events(self, path: str) -> Iterator[Any]:
        """The data of server-sent events, as they come; until the server ends."""
        with self.open("GET", path, seconds=None, accept="text/event-stream") as answer:
            try:
                for line in answer:
                    if line.startswith(b"data: "):
                        yield json.loads(line.removeprefix(b"data: "))
            except (OSError, http.client.HTTPException):
                return  # it has stopped


def find(url: str | None, token: str | None, workspace: Path | None) -> Connection:
    """The server that is meant.

    Args:
        url: where it is, if somebody said so.
        token: what it asks for, likewise.
        workspace: the folder that it was started with; the current one by default.

    Raises:
        Unreachable: nobody said where it is, or there is none.
    """
    if url is not None:
        wrong = Unreachable(f"expected a URL as http://127.0.0.1:8080, but got {url!r:.200}")
        try:
            parts = urllib.parse.urlsplit(url)
        except ValueError:
            raise wrong from None
        if parts.scheme != "http" or not parts.hostname:
            raise wrong
        # The address of the page, as `serve` prints it, will do.
        from_page = parts.fragment.removeprefix("token=") if parts.fragment.startswith("token=") else ""
        return Connection(f"http://{parts.netloc}", token or from_page)
    file = (workspace or Path()) / CONTROL_FILE
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return Connection(str(found["url"]), str(found["token"]) if token is None else token)
    except FileNotFoundError:
        raise Unreachable(
            f"expected --url (or {URL_VARIABLE}, with --token or {TOKEN_VARIABLE}), or --workspace, the folder of a "
            f"server that runs with --control, but there is no {file}"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise Unreachable(f"expected a file that a server wrote at {file}, but {problem}") from None


def _refused(problem: urllib.error.HTTPError) -> Exception:
    content = problem.read()
    try:
        details = json.loads(content)
        text = str(details["detail"])
    except (ValueError, KeyError, TypeError):
        return Unreachable(f"expected a mock server's control API, but got {problem.code} {problem.reason}")
    return Refused(text)
