"""``Session``: the admin API of NVIDIA FLARE, with the signatures, results and errors of the official class.

It composes the parts and holds nothing of its own: arguments are checked here, the kit is read by ``kit``, the token
and the release live in ``login``, replies are judged by ``replies``, files travel in ``transfer``.

What speaks to servers is loaded by the first session, and what moves files by the first call that does: a program that
offers both among other things should not wait for sockets, TLS and archives when it starts.

Source: the API document (release 2.3) and the official ``Session`` of 2.3.12-2.9.0. Where an argument or a method
came later, its docstring says with which release; on an older server it raises ``NotInRelease``.
"""

from __future__ import annotations

import logging
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from flare_client import errors
from flare_client.clock import Clock, MachineClock
from flare_client.kit import load_kit
from flare_client.protocol.formats import (
    DEFAULT_STUDY,
    SUBMIT_TOKEN_RULE,
    is_job_folder_name,
    is_study_name,
    is_submit_token,
)
from flare_client.protocol.jobs import JobMetaKey, is_finished
from flare_client.protocol.kit import INSECURE_USER
from flare_client.protocol.statuses import MetaKey
from flare_client.types import ClientInfo, JobInfo, MonitorReturnCode, ServerInfo, SystemInfo, TargetType

if TYPE_CHECKING:
    from flare_client.protocol.envelope import Envelope, Json

_logger = logging.getLogger("flare_client")

_RETRY_PAUSES = (0.5, 1.0)
"""Seconds before a command is sent again that may be, as official clients of 2.8 and 2.9 do."""
_LOG_OUT_SECONDS = 1.0
"""How long ``close`` waits for the server to confirm; a server that hangs must not hang its users."""


class Session:
    """A session with an FL server.

    Safe to use from several threads, and a context manager that closes itself. Use ``new_secure_session`` or
    ``new_insecure_session`` to get one that is connected.

    Args:
        username: the user to log in as; the name in the certificate of the kit.
        startup_path: the startup kit, the folder above ``startup``.
        secure_mode: mutual TLS; otherwise clear text and the fixed password of insecure servers (releases to 2.6).
            From 2.7 on the kit says how the connection is protected, and insecure means that the user is whoever the
            kit's certificate names.
        debug: log what is sent and received, without tokens, to the logger ``flare_client``.
        study: the study to work in: jobs are submitted to it, and no others are seen (releases from 2.8).

    Raises:
        AssertionError: ``username``, ``startup_path`` or ``study`` is no text; ``KitNotFound`` where there is no kit.
        InvalidArgumentError: a study is asked for, but the kit is of a release to 2.6.
        ValueError: no study may have such a name.
        ConfigError: the kit is unusable; see ``flare_client.errors`` for the subclasses.
    """

    def __init__(
        self,
        username: str | None = None,
        startup_path: str | None = None,
        secure_mode: bool = True,
        debug: bool = False,
        study: str = DEFAULT_STUDY,
    ) -> None:
        if not isinstance(username, str):
            raise AssertionError("username must be str")
        if not isinstance(startup_path, str):
            raise AssertionError("startup_path must be str")
        if not isinstance(study, str):
            raise AssertionError("study must be str")
        if not is_study_name(study):
            raise ValueError(
                f"study name {study!r} contains unsupported characters: expected up to 63 lowercase letters, digits, "
                "underscores and hyphens, the first and the last a letter or a digit"
            )
        self.username = username
        self.secure_mode = secure_mode
        self._kit = load_kit(startup_path, secure=secure_mode)
        self.upload_dir = str(self._kit.upload_dir)
        self.download_dir = str(self._kit.download_dir)
        self._closed = False
        self._login_tries: int | None = None
        if debug:
            _logger.setLevel(logging.DEBUG)
        from flare_client.connection import open_connection  # noqa: PLC0415 - see the top of the module

        self._connection = open_connection(self._kit, username, study, secure=secure_mode)
        self.clock: Clock = MachineClock()
        """The time in which ``monitor_job`` measures its timeout and waits between two polls. A test may put another
        one here, as that of a mock server in the same process; official sessions have no such attribute."""

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
            ValueError: the timeout is 0 or less, and the kit of a release from 2.7 on.
            SessionClosed: ``close`` was called.
            LoginRejected: the user or a certificate is refused; a subclass of ``NoConnection``.
            NoConnection: no login within the time.
        """
        self._require_open()
        if not self._connection.ready:
            self._connection.log_in(timeout, self._login_tries)

    def set_timeout(self, value: float) -> None:
        """Set how long commands may take, in this session: here (releases from 2.7) and where the server asks sites.

        Args:
            value: seconds.

        Raises:
            TypeError: it is no number.
            ValueError: it is not positive.
        """
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise TypeError(f"timeout must be a number but got {type(value)}")
        if not value > 0:
            raise ValueError(f"invalid timeout value {value} - must be > 0.0")
        self._connection.set_timeout(float(value))

    def unset_timeout(self) -> None:
        """Let commands take as long as is usual on each side."""
        self._connection.set_timeout(None)

    def submit_job(self, job_definition_path: str, submit_token: str | None = None) -> str:
        """Submit a job.

        Args:
            job_definition_path: the folder of the job; a relative path is looked up in the kit's upload folder,
                then in the current one; from 2.8 on the other way round. The folder is not changed.
            submit_token: names this submission, so that it can be tried again: the same token with the same
                definition gives the same job (releases from 2.8).

        Returns:
            The id that the server gave the job.

        Raises:
            InvalidJobDefinition: the path is no folder, its name is none for a job (from 2.8 on), or the server
                refuses the definition.
            InvalidArgumentError: no submit token may look so.
            SubmitTokenConflict: the token stands for a job of another definition.
            SubmitTokenJobDeleted: the token stands for a job that was deleted.
            NotInRelease: there is a token, but the server is of a release to 2.7.
            AuthorizationError: the user may not submit.
        """
        if not job_definition_path:
            raise errors.InvalidJobDefinition("job_definition_path is required but not specified.")
        if not isinstance(job_definition_path, str):
            raise errors.InvalidJobDefinition(f"job_definition_path must be str but got {type(job_definition_path)}.")
        from flare_client import transfer  # noqa: PLC0415 - see the top of the module

        profile = self._connection.profile
        folder = transfer.absolute_job_folder(
            job_definition_path, self._kit.upload_dir, as_given_first=profile.finds_jobs_as_given
        )
        if profile.checks_job_folder_name and not is_job_folder_name(folder.name):
            raise errors.InvalidJobDefinition(
                f"job folder name {folder.name!r} contains unsupported characters: expected letters, digits, dots, "
                "underscores and hyphens, the first a letter or a digit"
            )
        options = self._token_option(submit_token)
        self._require_open()
        meta = transfer.upload_job(self._connection, self._kit, folder, options=options)
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
        submit_token: str | None = None,
        **older_names: Any,
    ) -> list[dict[str, Any]]:
        """List jobs by the time of their submission.

        Args:
            detailed: whole metas instead of summaries.
            limit: at most so many of the newest jobs; 0 or ``None``: all.
            id_prefix: only jobs whose id begins so; case does not matter.
            name_prefix: only jobs whose name begins so; case does not matter.
            reverse: newest first.
            submit_token: only the job that was submitted with it (releases from 2.8).
            **older_names: ``max_num`` for ``limit``, ``job_id_prefix`` or ``id`` for ``id_prefix``,
                ``job_name_prefix`` or ``name`` for ``name_prefix``; they count where the newer one is not given.

        Returns:
            A dict a job: ``job_id, job_name, status, submit_time, duration`` and, from 2.8 on, ``study``, or the meta
            where ``detailed``.

        Raises:
            ValueError: an argument is of the wrong type.
            TypeError: an argument is unknown.
            InvalidArgumentError: no submit token may look so.
            SubmitTokenJobDeleted: the token stands for a job that was deleted.
            NotInRelease: there is a token, but the server is of a release to 2.7.
        """
        limit = _older(limit, older_names, "max_num")
        id_prefix = _older(id_prefix, older_names, "job_id_prefix", "id")
        name_prefix = _older(name_prefix, older_names, "job_name_prefix", "name")
        if older_names:
            raise TypeError(f"unsupported list_jobs kwargs: {sorted(older_names)}")
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
        words += self._token_option(submit_token)
        _, meta = self._command(" ".join(words))
        return list(meta.get(MetaKey.JOBS.value, []))

    def download_job_result(self, job_id: str, destination: str | None = None) -> str:
        """Download what a job left: its definition, its meta and the server's workspace.

        Args:
            job_id: the job, in any status; from 2.8 on it must be over.
            destination: the folder to move the result into, made where there is none; otherwise it stays in the
                kit's download folder (official from 2.8 on; here on all releases).

        Returns:
            The folder of the result; an earlier download is kept, and the new one gets a suffix (release 2.3: written
            over). Where the result is over the server's limit (2.3), the address of it.

        Raises:
            JobNotDone: the job is not over (releases from 2.8).
            JobNotFound: the id is missing, no text or unknown.
            AuthorizationError: the user may not download it.
            UnsafeArchive: the result would write outside its folder, or is a bomb; nothing is kept.
        """
        _check_job_id(job_id, type_first=self._connection.profile.checks_id_type_first)
        self._require_open()
        location = self._connection.download(self._kit, "download_job", job_id)
        if not destination:
            return location
        from flare_client import transfer  # noqa: PLC0415 - see the top of the module

        return transfer.move_result(location, destination)

    def abort_job(self, job_id: str) -> str | None:
        """Abort a job: one that waits will not be scheduled, one that runs is stopped, one that is over stays so.

        Args:
            job_id: the job.

        Returns:
            What the server says of it, from 2.7 on; before ``None``, as the official clients. The API document says
            a dict of (status, info).

        Raises:
            JobNotFound: the id is missing, no text or unknown.
            AuthorizationError: the user may not abort it.
        """
        info = self._job_command("abort_job", job_id).get(MetaKey.INFO.value)
        return str(info) if self._connection.profile.abort_returns_info and info is not None else None

    def delete_job(self, job_id: str) -> dict[str, Any] | None:
        """Delete a job that does not run.

        Args:
            job_id: the job.

        Returns:
            From 2.8 on ``job_id`` and ``submit_records_marked_deleted``, how many submit tokens stood for it; before
            ``None``.

        Raises:
            JobNotFound: the id is missing, no text or unknown.
            JobNotDone: the job runs.
            AuthorizationError: the user may not delete it.
        """
        meta = self._job_command("delete_job", job_id)
        if not self._connection.profile.delete_returns_record:
            return None
        deleted = MetaKey.SUBMIT_RECORDS_DELETED.value
        return {"job_id": meta.get(MetaKey.JOB_ID.value, job_id), deleted: meta.get(deleted, 0)}

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
            timeout: seconds; 0: no limit. Less than 0: no limit in releases to 2.7, refused from 2.8 on.
            poll_interval: seconds between two polls; from 2.8 on 0 is refused.
            cb: called as ``cb(session, job_id, job_meta, *cb_args, **cb_kwargs)`` after each poll; monitoring goes
                on while it returns something true.
            *cb_args: passed on.
            **cb_kwargs: passed on.

        Returns:
            ``JOB_FINISHED``, ``TIMEOUT`` or ``ENDED_BY_CB``.

        Raises:
            JobNotFound: the id is missing, no text or unknown, at any poll.
            InvalidArgumentError: the timeout or the poll interval is refused (from 2.8 on).
            ValueError: the poll interval is negative (releases to 2.7, after the first poll, as official).
            InternalError: the meta has no status.
            Exception: what the callback raises.
        """
        profile = self._connection.profile
        if profile.checks_polling_options:
            if timeout < 0:
                raise errors.InvalidArgumentError(f"timeout must be >= 0, but it is {timeout}")
            if poll_interval <= 0:
                raise errors.InvalidArgumentError(f"poll_interval must be > 0, but it is {poll_interval}")
        clock = self.clock
        started = clock.monotonic()
        while True:
            if 0 < timeout < clock.monotonic() - started:
                return MonitorReturnCode.TIMEOUT
            meta = self.get_job_meta(job_id)
            if cb is not None and not cb(self, job_id, meta, *cb_args, **cb_kwargs):
                return MonitorReturnCode.ENDED_BY_CB
            status = meta.get(JobMetaKey.STATUS.value)
            if not status:
                raise errors.InternalError(f"missing status in job {job_id}")
            if is_finished(status) or status in profile.older_final_statuses:
                return MonitorReturnCode.JOB_FINISHED
            clock.sleep(poll_interval)

    def _require_open(self) -> None:
        self._connection.require_open()
        if self._closed:
            raise errors.SessionClosed("session closed")

    def _command(self, line: str, *, needs_meta: bool = True) -> tuple[Envelope, dict[str, Json]]:
        self._require_open()
        name = line.split(" ", 1)[0]
        self._connection.command(name)
        if name in self._connection.profile.retried_commands:
            for pause in _RETRY_PAUSES:
                try:
                    reply, meta = self._connection.execute(line, needs_meta=needs_meta)
                    return reply, dict(meta)
                except errors.ServerUnreachable as problem:
                    _logger.debug("sending %s again: %s", name, problem)
                    time.sleep(pause)
        reply, meta = self._connection.execute(line, needs_meta=needs_meta)
        return reply, dict(meta)

    def _token_option(self, submit_token: str | None) -> list[str]:
        if submit_token is None:
            return []
        if not is_submit_token(submit_token):
            raise errors.InvalidArgumentError(SUBMIT_TOKEN_RULE)
        profile = self._connection.profile
        if not profile.has_submit_tokens:
            raise errors.NotInRelease(f"submit_token is of releases from 2.8, but the server is of {profile}")
        return ["--submit-token", submit_token]

    def _job_command(self, name: str, job_id: str) -> dict[str, Json]:
        _check_job_id(job_id, type_first=self._connection.profile.checks_id_type_first)
        return self._command(f"{name} {job_id}")[1]


def _any(value: Json) -> Any:
    """A value that is passed on as the server sent it, as the official client does."""
    return value


def _check_job_id(job_id: object, *, type_first: bool) -> None:
    if not isinstance(job_id, str) and (job_id or type_first):
        raise errors.JobNotFound(f"invalid job_id {job_id}")
    if not job_id:
        raise errors.JobNotFound("job_id is required but not specified.")


def _older(value: Any, older_names: dict[str, Any], *names: str) -> Any:
    """An argument that may have been given under an older name."""
    for name in names:
        older = older_names.pop(name, None)
        value = older if value is None else value
    return value


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


def new_secure_session(
    username: str,
    startup_kit_location: str,
    debug: bool = False,
    timeout: float = 10.0,
    study: str = DEFAULT_STUDY,
    command_timeout: float | None = None,
    auto_login_max_tries: int | None = None,
) -> Session:
    """Connect over mutual TLS.

    Args:
        username: the user; the name in the certificate of the kit.
        startup_kit_location: the startup kit, the folder above ``startup``.
        debug: see ``Session``.
        timeout: seconds until it gives up.
        study: see ``Session``.
        command_timeout: see ``Session.set_timeout``.
        auto_login_max_tries: how often the login is tried; ``None``: until the time is over.

    Returns:
        A connected session.

    Raises:
        ConfigError: the kit is unusable.
        NoConnection: no login within the time; ``LoginRejected`` where waiting would not help.
    """
    session = Session(username=username, startup_path=startup_kit_location, secure_mode=True, debug=debug, study=study)
    session._login_tries = auto_login_max_tries
    if command_timeout is not None:
        session.set_timeout(command_timeout)
    return _connected(session, timeout)


def new_insecure_session(
    startup_kit_location: str, debug: bool = False, timeout: float = 10.0, study: str = DEFAULT_STUDY
) -> Session:
    """Connect in clear text as ``admin``, as proof-of-concept kits of release 2.3 do.

    With a kit of releases from 2.7 on: connect as the kit says, as the user whom its certificate names.

    Args:
        startup_kit_location: the startup kit, the folder above ``startup``.
        debug: see ``Session``.
        timeout: seconds until it gives up.
        study: see ``Session``.

    Returns:
        A connected session.

    Raises:
        ConfigError: the kit is unusable.
        NoConnection: no login within the time; ``LoginRejected`` where waiting would not help.
    """
    session = Session(
        username=INSECURE_USER, startup_path=startup_kit_location, secure_mode=False, debug=debug, study=study
    )
    return _connected(session, timeout)
