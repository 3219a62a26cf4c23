"""The stage of a program: a server, the users' kits, sessions of the client under test, job definitions on disk."""

from __future__ import annotations

import contextlib
import dataclasses
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from conformance.adapters.base import Adapter, ClientError, ClientFailure, ClientSession
from conformance.jobs import write_job
from conformance.machines.calls import Definition, Fault
from conformance.machines.users import PROJECT_ADMIN, User
from conformance.needs import Need
from conformance.targets import ControlledServer
from conformance.trial import Trial

LOGIN_SECONDS = 15.0


def _any_mark() -> str:
    return uuid.uuid4().hex[:8]


@dataclasses.dataclass
class Stage:
    """What programs are played on, one after the other; each finds none of its jobs there.

    Attributes:
        adapter: the client under test.
        release: the release line of the server.
        kit_of: gives the startup kit of a user.
        scratch: gives an empty folder.
        server: the server, where a check has it for itself; then there are no jobs but those of the program.
        poll_interval: seconds between two polls of a monitor.
        patience: seconds within which a quick job ends.
        clean: removes jobs that a program left.
        new_mark: draws what the names and tokens of one program have beside, so that those of others do not matter.
    """

    adapter: Adapter
    release: str
    kit_of: Callable[[User], Path]
    scratch: Callable[[], Path]
    clean: Callable[[list[str]], None]
    server: ControlledServer | None = None
    poll_interval: float = 0.05
    patience: float = 20.0
    new_mark: Callable[[], str] = _any_mark

    @property
    def is_exclusive(self) -> bool:
        """Whether there are no jobs but those of the program."""
        return self.server is not None

    def open(self, user: User, adapter: Adapter | None = None) -> ClientSession:
        """A session of a user.

        Args:
            user: who logs in.
            adapter: the client where it is not the usual one.
        """
        return (adapter or self.adapter).open(user.name, self.kit_of(user), timeout=LOGIN_SECONDS)

    def write(self, definition: Definition, name: str) -> str:
        """Write a job definition, and return the path of its folder."""
        if definition.fault is Fault.NO_FOLDER:
            return str(self.scratch() / name)
        meta: dict[str, Any] = {"resource_spec": "none"} if definition.fault is Fault.BAD_RESOURCES else {}
        return str(write_job(self.scratch(), name, definition.kind, meta))


@contextlib.contextmanager
def staged(trial: Trial, *, needs_control: bool = False) -> Iterator[Stage]:
    """The stage of a check: a server of its own where the target gives one, otherwise the shared one.

    Args:
        trial: the client and the server.
        needs_control: whether the check cannot do with the shared one.
    """
    if needs_control or Need.CONTROL in trial.target.provides:
        with trial.own_server() as server:
            kits: dict[User, Path] = {}

            def kit_of(user: User) -> Path:
                if user not in kits:
                    kits[user] = server.kit(user.name, user.org, user.role)
                return kits[user]

            yield _stage(trial, kit_of, lambda _: _empty(server), server)
        return

    def only_kit(user: User) -> Path:
        if user != PROJECT_ADMIN and user.name != trial.target.user:
            raise ValueError(f"expected the project admin alone on a shared server, but got {user.name}")
        return trial.target.kit()

    yield _stage(trial, only_kit, lambda ids: _remove(trial, ids), None)


def _stage(
    trial: Trial,
    kit_of: Callable[[User], Path],
    clean: Callable[[list[str]], None],
    server: ControlledServer | None,
) -> Stage:
    return Stage(
        trial.adapter,
        trial.release,
        kit_of,
        trial.empty_folder,
        clean,
        server,
        trial.target.poll_interval,
        trial.target.patience,
        trial.names.word,
    )


def _empty(server: ControlledServer) -> None:
    for meta in server.job_metas():
        server.abort_job(meta["job_id"])
        server.delete_job(meta["job_id"])


def _remove(trial: Trial, ids: list[str]) -> None:
    for job_id in ids:
        trial.adopt(job_id)
    with contextlib.suppress(ClientError, ClientFailure):
        trial.clean_up()
