"""Clients that are wrong in one point each: proof that a contract can fail.

Each is a factory for ``--client conformance.mutants:NAME``. It wraps the reference client and breaks one rule;
``MUTANTS`` names the contracts that must catch it.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

MUTANTS: dict[str, tuple[str, ...]] = {
    "timeout_early": ("MON-TIMEOUT-01",),
    "timeout_late": ("MON-TIMEOUT-02",),
    "timeout_after_poll": ("MON-TIMEOUT-05",),
    "zero_times_out": ("MON-TIMEOUT-03",),
    "polls_once_too_often": ("MON-FINISH-02",),
    "drops_callback_kwargs": ("MON-CB-01",),
    "wants_true_itself": ("MON-END-01",),
    "finish_before_callback": ("MON-END-02", "MON-FINISH-02"),
    "ignores_poll_interval": ("MON-POLL-01", "MON-POLL-02"),
    "swallows_callback_errors": ("MON-CB-03",),
    "shortens_callback_meta": ("MON-CB-04",),
    "keeps_oldest": ("LIST-LIMIT-01",),
    "case_sensitive_names": ("LIST-NAME-01",),
    "ignores_reverse": ("LIST-ORDER-01", "LIST-LAW-01"),
    "limits_before_filters": ("LIST-LAW-01",),
    "details_without_limit": ("LIST-LAW-01",),
    "submits_twice": ("SUB-OK-01",),
    "clones_twice": ("CLONE-OK-01",),
    "meta_as_text": ("META-SAME-01",),
    "forgets_sites": ("SYS-SITES-01",),
    "one_thread_alone": ("CONN-THREAD-01",),
    "download_without_meta": ("DOWN-META-01",),
    "deletes_running": ("DELETE-RUN-01",),
    "one_download_folder": ("DOWN-AGAIN-01",),
    "abort_returns_dict": ("ABORT-RETURN-01",),
    "usable_after_close": ("CLOSE-ALL-01",),
}
"""Each mutant, and the contracts that catch it on release 2.6. Others may catch it, too."""


class Wrong:
    """A session that passes everything on, but for what a subclass breaks."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


class _Monitor(Wrong):
    """A monitor with a hook at each rule."""

    early = 0.0
    late = 0.0
    zero_is_a_limit = False
    finish_first = False
    extra_polls = 0
    time_after_poll = False

    def wait(self, seconds: float) -> None:
        """Wait between polls."""
        time.sleep(seconds)

    def ask(self, cb: Any, job_id: str, meta: Any, args: Any, kwargs: Any) -> bool:
        """Call the callback, and say whether to go on."""
        return bool(cb(self, job_id, meta, *args, **kwargs))

    def monitor_job(
        self,
        job_id: str,
        timeout: float = 0.0,
        poll_interval: float = 2.0,
        cb: Any = None,
        *cb_args: Any,
        **cb_kwargs: Any,
    ) -> Any:
        """Monitor a job, wrong in one point."""
        codes = importlib.import_module("flare_client").MonitorReturnCode
        limited = timeout > 0 or (timeout == 0 and self.zero_is_a_limit)
        started = time.monotonic()

        def over() -> bool:
            return limited and time.monotonic() - started > timeout - self.early + self.late

        extra = self.extra_polls
        while True:
            if not self.time_after_poll and over():
                return codes.TIMEOUT
            meta = self._session.get_job_meta(job_id)
            finished = str(meta["status"]).startswith("FINISHED")
            if finished and self.finish_first:
                return codes.JOB_FINISHED
            if cb is not None and not self.ask(cb, job_id, meta, cb_args, cb_kwargs):
                return codes.ENDED_BY_CB
            if finished and not extra:
                return codes.JOB_FINISHED
            if finished:
                extra -= 1
                continue
            if self.time_after_poll and over():
                return codes.TIMEOUT
            self.wait(poll_interval)


class _TimeoutEarly(_Monitor):
    early = 0.5


class _TimeoutLate(_Monitor):
    late = 1.5


class _TimeoutAfterPoll(_Monitor):
    time_after_poll = True


class _ZeroTimesOut(_Monitor):
    zero_is_a_limit = True


class _PollsOnceTooOften(_Monitor):
    extra_polls = 1


class _DropsCallbackKwargs(_Monitor):
    def ask(self, cb: Any, job_id: str, meta: Any, args: Any, kwargs: Any) -> bool:  # noqa: ARG002 - the fault
        return bool(cb(self, job_id, meta, *args))


class _WantsTrueItself(_Monitor):
    def ask(self, cb: Any, job_id: str, meta: Any, args: Any, kwargs: Any) -> bool:
        return cb(self, job_id, meta, *args, **kwargs) is True


class _FinishBeforeCallback(_Monitor):
    finish_first = True


class _IgnoresPollInterval(_Monitor):
    def wait(self, seconds: float) -> None:  # noqa: ARG002 - the fault
        time.sleep(0.01)


class _SwallowsCallbackErrors(_Monitor):
    def ask(self, cb: Any, job_id: str, meta: Any, args: Any, kwargs: Any) -> bool:
        try:
            return bool(cb(self, job_id, meta, *args, **kwargs))
        except Exception:  # noqa: BLE001 - the fault
            return False


class _ShortensCallbackMeta(_Monitor):
    def ask(self, cb: Any, job_id: str, meta: Any, args: Any, kwargs: Any) -> bool:
        return bool(cb(self, job_id, {"job_id": job_id, "status": meta["status"]}, *args, **kwargs))


class _KeepsOldest(Wrong):
    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        limit = kwargs.pop("limit", None)
        jobs = self._session.list_jobs(*args, **kwargs)
        return jobs[:limit] if limit and limit > 0 else jobs


class _CaseSensitiveNames(Wrong):
    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        prefix = kwargs.get("name_prefix")
        jobs = self._session.list_jobs(*args, **kwargs)
        return [job for job in jobs if not prefix or job.get("job_name", job.get("name")).startswith(prefix)]


class _IgnoresReverse(Wrong):
    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        kwargs.pop("reverse", None)
        return self._session.list_jobs(*args, **kwargs)


class _LimitsBeforeFilters(Wrong):
    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        limit = kwargs.pop("limit", None)
        newest = {job["job_id"] for job in self._session.list_jobs(limit=limit)}
        return [job for job in self._session.list_jobs(*args, **kwargs) if job["job_id"] in newest]


class _DetailsWithoutLimit(Wrong):
    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("detailed"):
            kwargs.pop("limit", None)
        return self._session.list_jobs(*args, **kwargs)


class _SubmitsTwice(Wrong):
    def submit_job(self, path: str) -> Any:
        self._session.submit_job(path)
        return self._session.submit_job(path)


class _ClonesTwice(Wrong):
    def clone_job(self, job_id: str) -> Any:
        self._session.clone_job(job_id)
        return self._session.clone_job(job_id)


class _MetaAsText(Wrong):
    def get_job_meta(self, job_id: str) -> Any:
        return {key: str(value) for key, value in self._session.get_job_meta(job_id).items()}


class _ForgetsSites(Wrong):
    def get_system_info(self) -> Any:
        info = self._session.get_system_info()
        info.client_info = info.client_info[:1]
        return info


class _OneThreadAlone(Wrong):
    """Keeps its answer where the next thread overwrites it."""

    def get_job_meta(self, job_id: str) -> Any:
        self._answer = self._session.get_job_meta(job_id)
        time.sleep(0.01)  # as long as the next thread needs
        return self._answer


class _DownloadWithoutMeta(Wrong):
    def download_job_result(self, job_id: str) -> Any:
        folder = self._session.download_job_result(job_id)
        (Path(folder) / "meta.json").unlink(missing_ok=True)
        return folder


class _DeletesRunning(Wrong):
    def delete_job(self, job_id: str) -> None:
        self._session.abort_job(job_id)
        self._session.delete_job(job_id)


class _OneDownloadFolder(Wrong):
    def download_job_result(self, job_id: str) -> Any:
        return str(self._session.download_job_result(job_id)).partition("__")[0]


class _AbortReturnsDict(Wrong):
    def abort_job(self, job_id: str) -> Any:
        self._session.abort_job(job_id)
        return {"status": "ok", "info": ""}


class _UsableAfterClose(Wrong):
    def close(self) -> None:
        """Pretend."""


def factory(kind: type[Wrong]) -> Callable[..., Any]:
    """A factory for ``--client`` that wraps the sessions of the reference client."""

    def open_session(username: str, kit: str, secure: bool = True, timeout: float = 10.0) -> Any:
        client = importlib.import_module("flare_client")
        if secure:
            return kind(client.new_secure_session(username, kit, timeout=timeout))
        return kind(client.new_insecure_session(kit, timeout=timeout))

    return open_session


timeout_early = factory(_TimeoutEarly)
timeout_late = factory(_TimeoutLate)
timeout_after_poll = factory(_TimeoutAfterPoll)
zero_times_out = factory(_ZeroTimesOut)
polls_once_too_often = factory(_PollsOnceTooOften)
drops_callback_kwargs = factory(_DropsCallbackKwargs)
wants_true_itself = factory(_WantsTrueItself)
finish_before_callback = factory(_FinishBeforeCallback)
ignores_poll_interval = factory(_IgnoresPollInterval)
swallows_callback_errors = factory(_SwallowsCallbackErrors)
shortens_callback_meta = factory(_ShortensCallbackMeta)
limits_before_filters = factory(_LimitsBeforeFilters)
details_without_limit = factory(_DetailsWithoutLimit)
submits_twice = factory(_SubmitsTwice)
clones_twice = factory(_ClonesTwice)
meta_as_text = factory(_MetaAsText)
forgets_sites = factory(_ForgetsSites)
one_thread_alone = factory(_OneThreadAlone)
download_without_meta = factory(_DownloadWithoutMeta)
keeps_oldest = factory(_KeepsOldest)
case_sensitive_names = factory(_CaseSensitiveNames)
ignores_reverse = factory(_IgnoresReverse)
deletes_running = factory(_DeletesRunning)
one_download_folder = factory(_OneDownloadFolder)
abort_returns_dict = factory(_AbortReturnsDict)
usable_after_close = factory(_UsableAfterClose)
