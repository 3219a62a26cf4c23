"""``Session``: the admin API of NVIDIA FLARE, with the signatures, results and errors of the official class.

It composes the parts and holds nothing of its own: the kit is read by ``kit``, the conversation with the server is
held by ``conversation``, what can be asked in it is in ``operations``, a module a subject. The table below says which
method is which function, and which releases have it; the functions have the documentation.

What speaks to servers is loaded by the first session, and what moves files by the first call that does: a program that
offers both among other things should not wait for sockets, TLS and archives when it starts.

Source: the API document (release 2.3) and the official ``Session`` of 2.3.12-2.9.0. Where an argument came later than
its method, the docstring says with which release. A method that the server's release does not have raises
``NotInRelease``.
"""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Any

from flare_client import errors
from flare_client.api import AdminApi, Reply
from flare_client.clock import Clock, MachineClock
from flare_client.conversation import Conversation
from flare_client.kit import load_kit
from flare_client.monitoring import Watched, poll
from flare_client.operations import jobs, logs, machines, providers, shell, statistics, studies, system
from flare_client.presence import (
    FROM_24,
    FROM_24_TO_26,
    FROM_25,
    FROM_26,
    FROM_27,
    FROM_28,
    ONLY_23,
    operation,
    present_in,
)
from flare_client.progress import Progress
from flare_client.protocol.formats import DEFAULT_STUDY, is_study_name
from flare_client.types import MonitorReturnCode

_logger = logging.getLogger("flare_client")


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
        debug: log which commands are sent, and the kinds and statuses of replies, to the logger ``flare_client``.
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
        self.startup_path = startup_path
        self.secure_mode = secure_mode
        kit = load_kit(startup_path, secure=secure_mode)
        self.upload_dir = str(kit.upload_dir)
        self.download_dir = str(kit.download_dir)
        if debug:
            _logger.setLevel(logging.DEBUG)
        self._conversation = Conversation(username, kit, secure=secure_mode, study=study)
        self._connection = self._conversation.connection
        self.api = AdminApi(self._conversation, username)
        """Commands by the line, as official sessions have them; see ``AdminApi``."""
        self.clock: Clock = MachineClock()
        """The time in which ``monitor_job`` and the like measure their timeout and wait between two polls. A test may
        put another one here, as that of a mock server in the same process; official sessions have no such attribute."""

    # --- jobs -----------------------------------------------------------------------------------------------------
    submit_job = operation(jobs.submit_job)
    clone_job = operation(jobs.clone_job)
    get_job_meta = operation(jobs.get_job_meta)
    get_job_status = operation(jobs.get_job_status, FROM_27)
    list_jobs = operation(jobs.list_jobs)
    abort_job = operation(jobs.abort_job)
    delete_job = operation(jobs.delete_job)
    download_job_result = operation(jobs.download_job_result)
    list_job_components = operation(jobs.list_job_components, FROM_26)
    download_job_components = operation(jobs.download_job_components, FROM_26)
    do_app_command = operation(jobs.do_app_command, FROM_25)
    get_available_apps_to_upload = operation(jobs.get_available_apps_to_upload, FROM_24)

    # --- statistics and logs --------------------------------------------------------------------------------------
    show_stats = operation(statistics.show_stats, FROM_24)
    show_errors = operation(statistics.show_errors, FROM_24)
    reset_errors = operation(statistics.reset_errors, FROM_24)
    get_job_logs = operation(logs.get_job_logs, FROM_28)
    configure_job_log = operation(logs.configure_job_log, FROM_28)
    configure_site_log = operation(logs.configure_site_log, FROM_28)

    # --- the system -----------------------------------------------------------------------------------------------
    get_system_info = operation(system.get_system_info)
    check_status = operation(system.check_status, FROM_28)
    get_connected_client_list = operation(system.get_connected_client_list, FROM_24)
    get_client_job_status = operation(system.get_client_job_status, FROM_24)
    get_client_env = operation(system.get_client_env, FROM_24)
    report_resources = operation(system.report_resources, FROM_28)
    report_version = operation(system.report_version, FROM_28)
    remove_client = operation(system.remove_client, FROM_28)
    disable_client = operation(system.disable_client, FROM_28)
    enable_client = operation(system.enable_client, FROM_28)
    get_cell_conn_info = operation(system.get_cell_conn_info, ONLY_23)
    restart = operation(machines.restart, FROM_24)
    shutdown = operation(machines.shutdown, FROM_24)
    shutdown_system = operation(machines.shutdown_system, FROM_24)
    list_sp = operation(providers.list_sp, FROM_24_TO_26)
    get_active_sp = operation(providers.get_active_sp, FROM_24_TO_26)
    promote_sp = operation(providers.promote_sp, FROM_24_TO_26)

    # --- shell commands -------------------------------------------------------------------------------------------
    ls_target = operation(shell.ls_target, FROM_24)
    cat_target = operation(shell.cat_target, FROM_24)
    head_target = operation(shell.head_target, FROM_24)
    head_target_log = operation(shell.head_target_log, FROM_24)
    tail_target = operation(shell.tail_target, FROM_24)
    tail_target_log = operation(shell.tail_target_log, FROM_24)
    grep_target = operation(shell.grep_target, FROM_24)
    get_working_directory = operation(shell.get_working_directory, FROM_24)

    # --- studies --------------------------------------------------------------------------------------------------
    register_study = operation(studies.register_study, FROM_28)
    add_study_site = operation(studies.add_study_site, FROM_28)
    remove_study_site = operation(studies.remove_study_site, FROM_28)
    remove_study = operation(studies.remove_study, FROM_28)
    list_studies = operation(studies.list_studies, FROM_28)
    show_study = operation(studies.show_study, FROM_28)
    add_study_user = operation(studies.add_study_user, FROM_28)
    remove_study_user = operation(studies.remove_study_user, FROM_28)

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

    @property
    def progress(self) -> Progress | None:
        """Who is told how far uploads and downloads have come; official sessions have no such attribute.

        It is called with a ``Transferred`` after each block, in the thread that moves the file; what it raises ends
        the transfer. ``None``: nobody wants to know, which is how a session begins.
        """
        return self._connection.progress

    @progress.setter
    def progress(self, progress: Progress | None) -> None:
        self._connection.progress = progress

    def close(self) -> None:
        """Close the session. Closing twice is fine; every other call raises ``SessionClosed`` from now on.

        The server is told, so that it frees the session; official clients to 2.6 leave that to the server's timeout.
        """
        self._conversation.close()

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
        self._conversation.log_in(timeout)

    @present_in(FROM_24)
    def set_timeout(self, value: float) -> None:
        """Set how long commands may take, in this session: here (releases from 2.7) and where the server asks sites.

        Args:
            value: seconds.

        Raises:
            TypeError: it is no number.
            ValueError: it is not positive.
        """
        self.api.set_command_timeout(value)

    @present_in(FROM_24)
    def unset_timeout(self) -> None:
        """Let commands take as long as is usual on each side."""
        self.api.unset_command_timeout()

    @present_in(FROM_27)
    def do_command(self, command: str, props: Any = None) -> Reply:
        """Send a command line and return the reply, whatever it says; nothing is raised for what a server does.

        Args:
            command: the line.
            props: sent along (servers from 2.5 on hand them to commands that want some).

        Returns:
            See ``AdminApi.do_command``, which all releases have.
        """
        return self.api.do_command(command, props)

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
        return self._watch(job_id, timeout, poll_interval, cb, cb_args, cb_kwargs)[0]

    @present_in(FROM_27)
    def monitor_job_and_return_job_meta(
        self,
        job_id: str,
        timeout: float = 0.0,
        poll_interval: float = 2.0,
        cb: Any = None,
        *cb_args: Any,
        **cb_kwargs: Any,
    ) -> Watched:
        """Poll a job as ``monitor_job`` does, and return its last meta, too.

        Args:
            job_id: the job.
            timeout: see ``monitor_job``, as the others.
            poll_interval: likewise.
            cb: likewise.
            *cb_args: passed on.
            **cb_kwargs: passed on.

        Returns:
            The code, and the meta where the job is over; otherwise ``None``.
        """
        return self._watch(job_id, timeout, poll_interval, cb, cb_args, cb_kwargs)

    @present_in(FROM_28)
    def wait_for_job(self, job_id: str, timeout: float = 0.0, poll_interval: float = 2.0) -> dict[str, Any]:
        """Poll a job until it is over.

        Args:
            job_id: the job.
            timeout: seconds; 0: no limit.
            poll_interval: seconds between two polls.

        Returns:
            Its last meta.

        Raises:
            JobTimeout: it was not over in time.
            JobNotFound: the id is missing, no text or unknown, at any poll.
            InvalidArgumentError: the timeout is negative, or the poll interval not positive.
        """
        _, meta = self._watch(job_id, timeout, poll_interval, None, (), {})
        if meta is None:
            raise errors.JobTimeout(f"job {job_id} did not finish within {timeout}s")
        return meta

    def _watch(
        self, job_id: str, timeout: float, poll_interval: float, cb: Any, args: tuple[Any, ...], named: dict[str, Any]
    ) -> Watched:
        return poll(
            lambda: self.get_job_meta(job_id),
            self._connection.profile,
            job_id,
            timeout,
            poll_interval,
            self.clock,
            None if cb is None else lambda meta: cb(self, job_id, meta, *args, **named),
        )
