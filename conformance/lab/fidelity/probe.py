"""Probes: calls of the official client as data, and the state of the server in which they are made.

Owns: what a probe is, and the words that stand for ids, folders and kits until it is made. A probe's ``key`` says in
Python what is called, and in which state and by whom; it is unique within a release and names the probe everywhere.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flare_client.protocol.releases import PROFILES

ADMIN = "admin"
"""The session of the project admin, which most probes use."""
NOBODY = ""
"""The user of a call that belongs to no session: a function of the module, as ``new_secure_session``."""

EVERY_RELEASE = tuple(PROFILES)


# --- words that stand for something ---------------------------------------------------------------------------------


class NotMade(LookupError):
    """A probe is about a job that an earlier probe was to make, and did not."""


@dataclasses.dataclass(frozen=True)
class Job:
    """The id of a job that the chapter made ready, or that an earlier probe returned.

    Attributes:
        name: what the chapter calls it.
        length: how many characters of the id; all by default.
        upper: whether in capitals.
    """

    name: str
    length: int | None = None
    upper: bool = False

    def __repr__(self) -> str:
        cut = f"[:{self.length}]" if self.length is not None else ""
        return f"<{self.name}>{cut}{'.upper()' if self.upper else ''}"

    def real(self, ids: Mapping[str, str]) -> str:
        """The id itself.

        Raises:
            NotMade: no job has the name.
        """
        if self.name not in ids:
            raise NotMade(self.name)
        text = ids[self.name][: self.length]
        return text.upper() if self.upper else text


@dataclasses.dataclass(frozen=True)
class Folder:
    """The path of a job definition of ``folders.py``, by its name there."""

    name: str

    def __repr__(self) -> str:
        return f"folder({self.name!r})"


@dataclasses.dataclass(frozen=True)
class Kit:
    """The path of a user's startup kit."""

    user: str

    def __repr__(self) -> str:
        return f"kit({self.user!r})"


@dataclasses.dataclass(frozen=True)
class Line:
    """A command line, of words some of which stand for something."""

    words: tuple[Any, ...]

    def __repr__(self) -> str:
        return repr(" ".join(word if isinstance(word, str) else repr(word) for word in self.words))


@dataclasses.dataclass(frozen=True)
class Callback:
    """A callback of ``monitor_job``.

    Attributes:
        answer: ``go on`` (True, for ever), ``stop`` (False at once), ``nothing`` (returns ``None``), ``raise``.
    """

    answer: str = "go on"

    def __repr__(self) -> str:
        return f"callback({self.answer!r})"


def filled(value: Any, real: Callable[[Any], Any]) -> Any:
    """An argument with every word in it replaced by what it stands for.

    Args:
        value: the argument.
        real: what a ``Job``, ``Folder``, ``Kit`` or ``Callback`` stands for.
    """
    if isinstance(value, (Job, Folder, Kit, Callback)):
        return real(value)
    if isinstance(value, Line):
        return " ".join(word if isinstance(word, str) else str(real(word)) for word in value.words)
    if isinstance(value, dict):
        return {key: filled(item, real) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [filled(item, real) for item in value]
    return value


# --- probes and chapters ----------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Probe:
    """One call.

    Attributes:
        method: of ``Session``, or of its ``api`` (as ``api.do_command``), or a function of the module (``NOBODY``).
        args: by position.
        kwargs: by name.
        user: whose session is used.
        releases: the release lines in which the call means something; those that have the method, by default.
        makes: what later probes call the job that this one returns; such a job is removed with the chapter.
        until: what is waited for before the next probe: a status of the job that it made or was about, or one of the
            words above.
        what: told apart by this from a probe of the same call before it.
    """

    method: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    user: str = ADMIN
    releases: tuple[str, ...] = EVERY_RELEASE
    makes: str = ""
    until: str = ""
    what: str = ""

    @property
    def call(self) -> str:
        """The call as Python has it."""
        words = [repr(one) for one in self.args] + [f"{name}={value!r}" for name, value in self.kwargs.items()]
        return f"{self.method}({', '.join(words)})"


def probe(method: str, *args: Any, **kwargs: Any) -> Probe:
    """A probe of the project admin, in every release that has the method."""
    return Probe(method, args, kwargs)


def by(user: str, *probes: Probe) -> Iterator[Probe]:
    """The same probes by another user."""
    return (dataclasses.replace(one, user=user) for one in probes)


def only(releases: tuple[str, ...], *probes: Probe) -> Iterator[Probe]:
    """The same probes in some releases only."""
    return (dataclasses.replace(one, releases=releases) for one in probes)


@dataclasses.dataclass(frozen=True)
class JobNeed:
    """A job that there is when a chapter begins.

    Attributes:
        name: what probes call it.
        folder: its definition.
        until: the status that it is brought to; ``looked at`` is a job that the scheduler could not start.
        aborted: whether it is aborted then.
        deleted: whether it is deleted then.
        user: who submits it.
    """

    name: str
    folder: str
    until: str
    aborted: bool = False
    deleted: bool = False
    user: str = ADMIN


LOOKED_AT = "looked at"
"""Not a status: the scheduler looked at the job, and it waits."""
SETTLED = "settled"
"""Not a status: the job is where it stays, by ``folders.SETTLES``."""
FEWER_SITES = "fewer sites"
"""Not of a job: a site that was connected before the probe is no longer."""


@dataclasses.dataclass(frozen=True)
class Chapter:
    """Probes that are made in one state of the server, in their order.

    Attributes:
        name: in a word or two.
        what: the state, in a sentence.
        probes: the calls.
        jobs: what is there at the begin.
        users: further sessions, beside that of the project admin.
        fresh: whether sessions are opened anew for it, because it ends them.
        alone: whether it has a server of its own, because it leaves nothing to ask.
    """

    name: str
    what: str
    probes: tuple[Probe, ...]
    jobs: tuple[JobNeed, ...] = ()
    users: tuple[str, ...] = ()
    fresh: bool = False
    alone: bool = False

    def key(self, one: Probe) -> str:
        """The name of a probe of this chapter."""
        who = f" by {one.user or 'nobody'}" if one.user != ADMIN else ""
        what = f" ({one.what})" if one.what else ""
        return f"{self.name}{who}: {one.call}{what}"
