"""``Session``: the admin API of NVIDIA FLARE, with the signatures, results and errors of the official class.

It composes the parts and holds nothing of its own: arguments are checked here, the kit is read by ``kit``, the token
and the release live in ``login``, replies are judged by ``replies``, files travel in ``transfer``.

What speaks to servers is loaded by the first session, and what moves files by the first call that does: a program that
offers both among other things should not wait for sockets, TLS and archives when it starts.

Source: the API document (release 2.3) and the official ``Session`` of 2.3.12-2.6.3.
"""

from __future__ import annotations

import logging
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from flare_client import errors
from flare_client.kit import load_kit
from flare_client.protocol.jobs import JobMetaKey, is_finished
from flare_client.protocol.kit import INSECURE_USER
from flare_client.protocol.statuses import MetaKey
from flare_client.types import ClientInfo, JobInfo, MonitorReturnCode, ServerInfo, SystemInfo, TargetType

if TYPE_CHECKING:
    from flare_client.protocol.envelope import Envelope, Json

_logger = logging.getLogger("flare_client")

_LOG_OUT_SECONDS = 1.0
"""How long ``close`` waits for the server to confirm; a server that hangs must not hang its users."""


class Session:
    """A session with an FL server.

    Safe to use from several threads, and a context manager that closes itself. Use ``new_secure_session`` or
    ``new_insecure_session`` to get one that is connected.

    Args:
        username: the user to log in as; the name in the certificate of the kit.
        startup_path: the startup kit, the folder above ``startup``.
        secure_mode: mutual TLS; otherwise clear text and the fixed password of insecure servers.
        debug: log what is sent and received, without tokens, to the logger ``flare_client``.

    Raises:
        AssertionError: ``username`` or ``startup_path`` is no text; ``KitNotFound`` where there is no kit.
        ConfigError: the kit is unusable; see ``flare_client.errors`` for the subclasses.
    """

    def __init__(
        self,
        username: str | None = None,
        startup_path: str | None = None,
        secure_mode: bool = True,
        debug: bool = False,
    ) -> None:
        if not isinstance(username, str):
            raise AssertionError("username must be str")
        if not isinstance(startup_path, str):
            raise AssertionError("startup_path must be str")
        self.username = username
        self.secure_mode = secure_mode
        self._kit = load_kit(startup_path, secure=secure_mode)
        self.upload_dir = str(self._kit.upload_dir)
        self.download_dir = str(self._kit.download_dir)
        self._closed = False
        if debug:
            _logger.setLevel(logging.DEBUG)
        from flare_client.login import open_connection  # noqa: PLC0415 - see the top of the module

        self._connection = open_connection(self._kit, username, secure=secure_mode)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def release(self) -> str:
        """The release line of the server, as ``2.6``, told from the commands it announces at login."""
        return self._connection.profile.release

    def close(self) -> None:
        """Close the session. Closing twice is fine; every other call raises ``SessionClosed`` from now on.

        The server is told, so that it frees the session; official clients leave that to the server's timeout.
        """
        if not self._closed:
            self._closed = True
            self._connection.log_out(_LOG_OUT_SECONDS)

    def try_connect(self, timeout: float) -> None:
        """Connect, or connect again after the session expired or the server was restarted.

        A session that is connected already returns at once. After a failure the session can be tried again; the
        official class closes it.

        Args:
            timeout: seconds until it gives up; 0 or less fails at once.

        Raises:
            SessionClosed: ``close`` was called.
            LoginRejected: the user or a certificate is refused; a subclass of ``NoConnection``.
            NoConnection: no login within the time.
        """
        self._require_open()
        if not self._connection.ready:
            self._connection.log_in(timeout)

    def submit_job(self, job_definition_path: str) -> str:
        """Submit a job.

        Args:
            job_definition_path: the folder of the job; a relative path is looked up in the kit's upload folder,
                then in the current one. The folder is not changed.

        Returns:
            The id that the server gave the job.

        Raises:
            InvalidJobDefinition: the path is no folder, or the server refuses the definition.
            AuthorizationError: the user may not submit.
        """
        if not job_definition_path:
            raise errors.InvalidJobDefinition("job_definition_path is required but not specified.")
        if not isinstance(job_definition_path, str):
            raise errors.InvalidJobDefinition(f"job_definition_path must be str but got {type(job_definition_path)}.")
        from flare_client import transfer  # noqa: PLC0415 - see the top of the module

        folder = transfer.absolute_job_folder(job_definition_path, self._kit.upload_dir)
        self._require_open()
        meta = transfer.upload_job(self._connection, self._kit, folder, sign=self.secure_mode)
        return _required(meta.get(MetaKey.JOB_ID.value), "server failed to return job id")

    def clone_job(self, job_id: str) -> str:
        """Create a new job from an existing one, whatever its status.

        Args:
            job_id: the job to clone.

        Returns:
            The id of the new job.

        Raises:
            JobNotFound: the id is missing, no text or unknown.
            AuthorizationError: the user may not clone it.
        """
        meta = self._job_command("clone_job", job_id)
        info = meta.get(MetaKey.INFO.value, "")
        return _required(meta.get(MetaKey.JOB_ID.value), f"server failed to return job id: {info}")

    def get_job_meta(self, job_id: str) -> dict[str, Any]:
        """Get the meta of a job.

        Args:
            job_id: the job.

        Returns:
            The meta, as the server stores it.

        Raises:
            JobNotFound: the id is missing, no text or unknown.
        """
        meta = self._job_command("get_job_meta", job_id).get(MetaKey.JOB_META.value)
        if not meta:
            raise errors.InternalError("server failed to return job meta")
        return dict(meta)

    def list_jobs(
        self,
        detailed: bool = False,
        limit: int | None = None,
        id_prefix: str | None = None,
        name_prefix: str | None = None,
        reverse: bool = False,
    ) -> list[dict[str, Any]]:
        """List jobs by the time of their submission.

        Args:
            detailed: whole metas instead of summaries.
            limit: at most so many of the newest jobs; 0 or ``None``: all.
            id_prefix: only jobs whose id begins so; case does not matter.
            name_prefix: only jobs whose name begins so; case does not matter.
            reverse: newest first.

        Returns:
            A dict a job: ``job_id, job_name, status, submit_time, duration``, or the meta where ``detailed``.

        Raises:
            ValueError: an argument is of the wrong type.
        """
        _check_list_arguments(detailed, limit, id_prefix, name_prefix, reverse)
        words = ["list_jobs"]
        if detailed:
            words.append("-d")
        if reverse:
            words.append("-r")
        if limit:
            words += ["-m", str(limit)]
        if name_prefix:
            words += ["-n", name_prefix]
        if id_prefix:
            words.append(id_prefix)
        _, meta = self._command(" ".join(words))
        return list(meta.get(MetaKey.JOBS.value, []))

    def download_job_result(self, job_id: str) -> str:
        """Download what a job left: its definition, its meta and the server's workspace.

        Args:
            job_id: the job, in any status.

        Returns:
            The folder below the kit's download folder; an earlier download is kept, and the new one gets a suffix
            (release 2.3: written over). Where the result is over the server's limit (2.3), the address of it.

        Raises:
            JobNotFound: the id is missing, no text or unknown.
            AuthorizationError: the user may not download it.
            UnsafeArchive: the result would write outside its folder, or is a bomb; nothing is kept.
        """
        _check_job_id(job_id)
        self._require_open()
        from flare_client import transfer  # noqa: PLC0415 - see the top of the module

        return transfer.download_result(self._connection, self._kit, job_id)

    def abort_job(self, job_id: str) -> None:
        """Abort a job: one that waits will not be scheduled, one that runs is stopped, one that is over stays so.

        Args:
            job_id: the job.

        Returns:
            ``None``, as the official client of 2.3-2.6; the API document says a dict of (status, info).

        Raises:
            JobNotFound: the id is missing, no text or unknown.
            AuthorizationError: the user may not abort it.
        """
        self._job_command("abort_job", job_id)

    def delete_job(self, job_id: str) -> None:
        """Delete a job that does not run.

        Args:
            job_id: the job.

        Raises:
            JobNotFound: the id is missing, no text or unknown.
            JobNotDone: the job runs.
            AuthorizationError: the user may not delete it.
        """
        self._job_command("delete_job", job_id)

    def get_system_info(self) -> SystemInfo:
        """Get the state of the server, the connected FL clients and the running jobs."""
        _, meta = self._command(f"check_status {TargetType.SERVER}")
        return SystemInfo(
            server_info=ServerInfo(
                status=_any(meta.get(MetaKey.SERVER_STATUS.value)),
                start_time=_any(meta.get(MetaKey.SERVER_START_TIME.value)),
            ),
            client_info=[
                ClientInfo(
                    name=client.get(MetaKey.CLIENT_NAME.value),
                    last_connect_time=client.get(MetaKey.CLIENT_LAST_CONNECT_TIME.value),
                )
                for client in meta.get(MetaKey.CLIENTS.value) or []
            ],
            job_info=[
                JobInfo(app_name=job.get(MetaKey.APP_NAME.value), job_id=job.get(MetaKey.JOB_ID.value))
                for job in meta.get(MetaKey.JOBS.value) or []
            ],
        )

    def get_cell_conn_info(self, fqcn: str) -> Any:
        """Get the connectors of a cell (release 2.3 only).

        Args:
            fqcn: the name of the cell, as ``server``.

        Returns:
            What the first item of the reply holds, or ``None``.

        Raises:
            NotInRelease: the server is of another release, whose official client has no such method.
        """
        self._require_open()
        if not self._connection.profile.has_cell_conn_info:
            raise errors.NotInRelease(f"get_cell_conn_info is of release 2.3, but the server is of {self.release}")
        reply, _ = self._command(f"conns {fqcn}", needs_meta=False)
        return reply.items[0].data if reply.items else None

    def monitor_job(
        self,
        job_id: str,
        timeout: float = 0.0,
        poll_interval: float = 2.0,
        cb: Any = None,
        *cb_args: Any,
        **cb_kwargs: Any,
    ) -> MonitorReturnCode:
        """Poll a job until it is over, the time is up or the callback has had enough.

        Each round: the time is checked, the meta is fetched, the callback is called, the status is looked at, then
        the poll interval is slept through, never cut short. So the time may be overrun by one interval and one
        request, and a job that is over already gets one callback.

        Args:
            job_id: the job.
            timeout: seconds; 0 or less: no limit (releases 2.3-2.7).
            poll_interval: seconds between two polls.
            cb: called as ``cb(session, job_id, job_meta, *cb_args, **cb_kwargs)`` after each poll; monitoring goes
                on while it returns something true.
            *cb_args: passed on.
            **cb_kwargs: passed on.

        Returns:
            ``JOB_FINISHED``, ``TIMEOUT`` or ``ENDED_BY_CB``.

        Raises:
            JobNotFound: the id is missing, no text or unknown, at any poll.
            ValueError: the poll interval is negative (after the first poll, as official).
            InternalError: the meta has no status.
            Exception: what the callback raises.
        """
        started = time.monotonic()
        while True:
            if 0 < timeout < time.monotonic() - started:
                return MonitorReturnCode.TIMEOUT
            meta = self.get_job_meta(job_id)
            if cb is not None and not cb(self, job_id, meta, *cb_args, **cb_kwargs):
                return MonitorReturnCode.ENDED_BY_CB
            status = meta.get(JobMetaKey.STATUS.value)
            if not status:
                raise errors.InternalError(f"missing status in job {job_id}")
            if is_finished(status):
                return MonitorReturnCode.JOB_FINISHED
            time.sleep(poll_interval)

    def _require_open(self) -> None:
        if self._closed or self._connection.dismissed:
            raise errors.SessionClosed("session closed")

    def _command(self, line: str, *, needs_meta: bool = True) -> tuple[Envelope, dict[str, Json]]:
        self._require_open()
        self._connection.command(line.split(" ", 1)[0])
        reply, meta = self._connection.execute(line, needs_meta=needs_meta)
        return reply, dict(meta)

    def _job_command(self, name: str, job_id: str) -> dict[str, Json]:
        _check_job_id(job_id)
        return self._command(f"{name} {job_id}")[1]


def _any(value: Json) -> Any:
    """A value that is passed on as the server sent it, as the official client does."""
    return value


def _check_job_id(job_id: object) -> None:
    if not job_id:
        raise errors.JobNotFound("job_id is required but not specified.")
    if not isinstance(job_id, str):
        raise errors.JobNotFound(f"invalid job_id {job_id}")


def _check_list_arguments(
    detailed: object, limit: object, id_prefix: object, name_prefix: object, reverse: object
) -> None:
    # ValueError for wrong types is the official choice.
    for name, flag in (("detailed", detailed), ("reverse", reverse)):
        if not isinstance(flag, bool):
            raise ValueError(f"{name} must be bool but got {type(flag)}")
    if limit is not None and not isinstance(limit, int):
        raise ValueError(f"limit must be None or int but got {type(limit)}")
    for name, prefix in (("id_prefix", id_prefix), ("name_prefix", name_prefix)):
        if prefix is not None and not isinstance(prefix, str):
            raise ValueError(f"{name} must be None or str but got {type(prefix)}")


def _required(job_id: Json, problem: str) -> str:
    if not job_id:
        raise errors.InternalError(problem)
    return str(job_id)


def basic_cb_with_print(
    session: Session,  # noqa: ARG001 - the official signature
    job_id: str,  # noqa: ARG001 - likewise
    job_meta: Any,
    *cb_args: Any,
    **cb_kwargs: Any,
) -> bool:
    """A sample callback for ``monitor_job``: prints the meta of the first rounds of a running job, then dots.

    Args:
        session: the session that monitors.
        job_id: the job.
        job_meta: its meta at this poll.
        *cb_args: ignored.
        **cb_kwargs: must hold ``cb_run_counter``, a dict whose ``count`` is counted up.

    Returns:
        True: monitoring goes on.

    Raises:
        KeyError: ``cb_run_counter`` or its ``count`` is missing.
    """
    counter = cb_kwargs["cb_run_counter"]
    if job_meta["status"] != "RUNNING":
        print(f"\n{job_meta}")
    elif counter["count"] < 3:
        print(job_meta)
    else:
        print(".", end="")
    counter["count"] += 1
    return True


def _connected(session: Session, timeout: float) -> Session:
    try:
        session.try_connect(timeout)
    except BaseException:
        session.close()
        raise
    return session


def new_secure_session(username: str, startup_kit_location: str, debug: bool = False, timeout: float = 10.0) -> Session:
    """Connect over mutual TLS.

    Args:
        username: the user; the name in the certificate of the kit.
        startup_kit_location: the startup kit, the folder above ``startup``.
        debug: see ``Session``.
        timeout: seconds until it gives up.

    Returns:
        A connected session.

    Raises:
        ConfigError: the kit is unusable.
        NoConnection: no login within the time; ``LoginRejected`` where waiting would not help.
    """
    session = Session(username=username, startup_path=startup_kit_location, secure_mode=True, debug=debug)
    return _connected(session, timeout)


def new_insecure_session(startup_kit_location: str, debug: bool = False, timeout: float = 10.0) -> Session:
    """Connect in clear text as ``admin``, as proof-of-concept kits of release 2.3 do.

    Args:
        startup_kit_location: the startup kit, the folder above ``startup``.
        debug: see ``Session``.
        timeout: seconds until it gives up.

    Returns:
        A connected session.

    Raises:
        ConfigError: the kit is unusable.
        NoConnection: no login within the time; ``LoginRejected`` where waiting would not help.
    """
    session = Session(username=INSECURE_USER, startup_path=startup_kit_location, secure_mode=False, debug=debug)
    return _connected(session, timeout)
