"""A client under test that is a Python factory in this process."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conformance.adapters import features
from conformance.adapters.base import Callback, ClientError, ClientFailure, ReturnCode
from conformance.adapters.features import Feature

Factory = Callable[..., Any]
"""``factory(username, startup_kit_location, secure=True, timeout=10.0)`` returns an object with Session's methods."""

FLARE_CLIENT = "flare_client"


def plain(value: Any) -> Any:
    """A result as every adapter hands it over."""
    if isinstance(value, (str, bytes)) or value is None:
        return value
    if isinstance(value, int) and hasattr(value, "name") and hasattr(value, "value"):
        return ReturnCode(str(value.name), int(value))
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return {key: plain(item) for key, item in vars(value).items()} if hasattr(value, "__dict__") else value


def _error(problem: Exception) -> ClientError:
    return ClientError(tuple(kind.__name__ for kind in type(problem).__mro__), str(problem))


class InProcessSession:
    """A session object of the factory."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method by its name."""
        try:
            return plain(getattr(self._session, method)(*args, **kwargs))
        except Exception as problem:
            raise _error(problem) from problem

    def monitor(self, job_id: str, *args: Any, cb: Callback | None = None, **kwargs: Any) -> Any:
        """Call ``monitor_job``; the callback learns whether it was given this very session."""
        if cb is None:
            return self.call("monitor_job", job_id, *args, **kwargs)

        def called(session: Any, called_id: Any, meta: Any, *cb_args: Any, **cb_kwargs: Any) -> Any:
            return cb(session is self._session, called_id, meta, *cb_args, **cb_kwargs)

        timeout, poll_interval = (*args, 0.0, 2.0)[:2] if args else (0.0, 2.0)
        if len(args) > 2:
            return self.call("monitor_job", job_id, args[0], args[1], called, *args[2:], **kwargs)
        given = {"timeout": timeout, "poll_interval": poll_interval} if args else {}
        return self.call("monitor_job", job_id, **given, cb=called, **kwargs)

    def wait_on(self, clock: Any) -> None:
        """Have it wait on another clock; of clients with the feature ``clock`` alone."""
        self._session.clock = clock

    def close(self) -> None:
        """Close the session."""
        self.call("close")


class InProcessAdapter:
    """Drives a Python factory.

    Args:
        name: ``flare_client`` or ``module:function``. A function with an attribute ``basic_cb_with_print`` has the
            client's sample callback, and takes ``debug``. One with a true attribute ``takes_clock`` has sessions that
            wait on the clock that is put into their attribute ``clock``.

    Raises:
        ValueError: there is no such function.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._basic_cb: Callable[..., Any] | None = None
        if name == FLARE_CLIENT:
            self._factory, self._basic_cb = _flare_client()
            takes_clock = True
        else:
            self._factory = _load(name)
            self._basic_cb = getattr(self._factory, "basic_cb_with_print", None)
            takes_clock = bool(getattr(self._factory, "takes_clock", False))
        self._features = _features(self._factory, has_basic_cb=self._basic_cb is not None, takes_clock=takes_clock)
        self._sessions: list[InProcessSession] = []

    def open(
        self, username: str, kit: Path, *, secure: bool = True, timeout: float = 10.0, **further: Any
    ) -> InProcessSession:
        """Call the factory."""
        features.require(features.of_opening(secure, further), self.features, self.name)
        try:
            session = InProcessSession(self._factory(username, str(kit), secure=secure, timeout=timeout, **further))
        except Exception as problem:
            raise _error(problem) from problem
        self._sessions.append(session)
        return session

    def basic_cb(self, status: str, count: int) -> tuple[Any, int]:
        """Call the client's sample callback, with its prints thrown away."""
        if self._basic_cb is None:
            raise ClientFailure("a factory has no basic_cb_with_print")
        counter = {"count": count}
        with contextlib.redirect_stdout(io.StringIO()):
            returned = self._basic_cb(None, "id", {"status": status}, cb_run_counter=counter)
        return returned, counter["count"]

    @property
    def features(self) -> frozenset[str]:
        """What a whole session has, and what the factory's signature takes."""
        return self._features

    @property
    def releases(self) -> None:
        """A factory does not say which releases it speaks."""
        return None

    def interrupt(self) -> bool:
        """Not to be had: what runs in this process ends with it."""
        return False

    def another(self) -> InProcessAdapter:
        """A second adapter of the same factory."""
        return InProcessAdapter(self.name)

    def close(self) -> None:
        """Close every session that is still open."""
        for session in self._sessions:
            with contextlib.suppress(ClientError):
                session.close()
        self._sessions.clear()


def _flare_client() -> tuple[Factory, Callable[..., Any]]:
    client = importlib.import_module(FLARE_CLIENT)

    def factory(username: str, kit: str, *, secure: bool = True, timeout: float = 10.0, **further: Any) -> Any:
        if secure:
            return client.new_secure_session(username, kit, timeout=timeout, **further)
        return client.new_insecure_session(kit, timeout=timeout, **further)

    return factory, client.basic_cb_with_print


def _features(factory: Factory, *, has_basic_cb: bool, takes_clock: bool) -> frozenset[str]:
    parameters = inspect.signature(factory).parameters
    takes_all = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values())
    found = {*features.SESSION_FEATURES, Feature.THREADS}
    found |= {feature for feature in (Feature.DEBUG, Feature.STUDY) if takes_all or feature.value in parameters}
    if has_basic_cb:
        found.add(Feature.BASIC_CB)
    return frozenset(feature.value for feature in found) | ({features.CLOCK} if takes_clock else set())


def _load(name: str) -> Factory:
    module, colon, function = name.partition(":")
    if not colon:
        raise ValueError(f"expected flare_client, official:VERSION or module:function, but got {name!r}")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as problem:
        raise ValueError(f"expected a factory at {name!r}, but {problem}") from problem
    if not callable(found):
        raise ValueError(f"expected a function at {name!r}, but it is {type(found).__name__}")
    try:
        inspect.signature(found)
    except (TypeError, ValueError) as problem:
        raise ValueError(f"expected a function with a signature at {name!r}, but {problem}") from problem
    return found  # type: ignore[no-any-return] # whatever it is, it is called and judged by what it does
