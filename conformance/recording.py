"""A client and its servers with their calls noted in a script."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conformance.adapters.base import Adapter, Callback, ClientSession
from conformance.script import Script, call_text

ACTS = frozenset(
    {
        "restart",
        "expire_sessions",
        "withhold",
        "release_command",
        "abort_job",
        "delete_job",
        "set_site_connected",
        "limit_downloads",
        "inject",
    }
)
"""What a check does to a server of its own, as far as it belongs to the script."""

Watch = Callable[[int, str], None]
"""Is told of each call before it is made: how many different ones there were, and the call."""


class RecordingSession:
    """A session whose calls are noted."""

    def __init__(
        self, session: ClientSession, name: str, note: Callable[[str], None], returned: Callable[[Any], None]
    ) -> None:
        self._session = session
        self._name = name
        self._note = note
        self._returned = returned

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Note the call and make it."""
        self._note(call_text(f"{self._name}.{method}", args, kwargs))
        result = self._session.call(method, *args, **kwargs)
        self._returned(result)
        return result

    def monitor(self, job_id: str, *args: Any, cb: Callback | None = None, **kwargs: Any) -> Any:
        """Note the call and make it."""
        shown = kwargs if cb is None else {**kwargs, "cb": cb}
        self._note(call_text(f"{self._name}.monitor_job", (job_id, *args), shown))
        return self._session.monitor(job_id, *args, cb=cb, **kwargs)

    def wait_on(self, clock: Any) -> None:
        """Note that it waits on the clock of a server, and see to it."""
        self._note(f"{self._name}.clock = server.clock")
        self._session.wait_on(clock)  # type: ignore[attr-defined] # of clients that have the feature

    def close(self) -> None:
        """Note the call and make it."""
        self._note(f"{self._name}.close()")
        self._session.close()


class RecordingServer:
    """A server of a check whose acts are noted."""

    def __init__(self, server: Any, note: Callable[[str], None]) -> None:
        self._server = server
        self._note = note

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._server, name)
        if name not in ACTS:
            return found

        def act(*args: Any, **kwargs: Any) -> Any:
            self._note(call_text(f"server.{name}", args, kwargs))
            return found(*args, **kwargs)

        return act


class RecordingAdapter:
    """A client under test whose calls are noted; but for that it is the adapter that it wraps.

    Args:
        adapter: the client.
        script: where calls are noted.
        watch: is told of each call before it is made.

    Attributes:
        opening: the user and the kit of the session that was opened last, or is about to be.
    """

    def __init__(self, adapter: Adapter, script: Script, watch: Watch | None = None) -> None:
        self.name = adapter.name
        self._adapter = adapter
        self._script = script
        self._watch = watch
        self.opening: tuple[str, Path] | None = None
        self._numbers = itertools.count(1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    @property
    def features(self) -> frozenset[str]:
        """Those of the client."""
        return self._adapter.features

    def begin(self) -> None:
        """Begin the script of another contract."""
        self._script.begin()
        self.opening = None
        self._numbers = itertools.count(1)

    def another(self) -> RecordingAdapter:
        """A second adapter of the same client, whose calls are noted in the same script."""
        other = RecordingAdapter(self._adapter.another(), self._script, self._watch)
        other._numbers = self._numbers
        return other

    def note(self, line: str) -> None:
        """Note a call."""
        count = self._script.note(line)
        if self._watch is not None:
            self._watch(count, line)

    def note_open(self, name: str, username: str, kit: Path, secure: bool, further: dict[str, Any]) -> None:
        """Note that a session is opened, or that one is used which was opened for several contracts."""
        self.opening = (username, kit)
        function = "new_secure_session" if secure else "new_insecure_session"
        self.note(f"{name} = " + call_text(function, (username, kit) if secure else (kit,), further))

    def open(
        self, username: str, kit: Path, *, secure: bool = True, timeout: float = 10.0, **further: Any
    ) -> RecordingSession:
        """Note the call and make it."""
        name = f"session{next(self._numbers)}"
        self.note_open(name, username, kit, secure, {"timeout": timeout, **further})
        return self.open_unnoted(name, username, kit, secure=secure, timeout=timeout, **further)

    def open_unnoted(self, name: str, username: str, kit: Path, **options: Any) -> RecordingSession:
        """Open a session of a name; calls of it are noted, the opening is not."""
        return RecordingSession(self._adapter.open(username, kit, **options), name, self.note, self._script.note_result)

    def basic_cb(self, status: str, count: int) -> tuple[Any, int]:
        """Note the call and make it."""
        self.note(call_text("basic_cb_with_print", (status, count), {}))
        return self._adapter.basic_cb(status, count)

    def interrupt(self) -> bool:
        """End a call that hangs."""
        return self._adapter.interrupt()

    def close(self) -> None:
        """End everything that the adapter started."""
        self._adapter.close()
