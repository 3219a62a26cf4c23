"""Clients that are wrong in one point each, in what is new in releases from 2.7 on; see ``conformance.mutants``."""

from __future__ import annotations

import importlib
from typing import Any

from conformance.mutants import Wrong, factory

MUTANTS: dict[str, tuple[str, ...]] = {
    "takes_any_polling_options": ("MON-ARG-01", "MON-ARG-02"),
    "forgets_submit_tokens": ("TOKEN-SAME-01", "TOKEN-OTHER-01", "TOKEN-GONE-01"),
    "lists_without_tokens": ("TOKEN-LIST-01",),
    "mends_tokens": ("TOKEN-FORM-01",),
    "ignores_the_study": ("STUDY-UNKNOWN-01", "STUDY-NAME-01"),
    "leaves_results_behind": ("DOWN-PLACE-01",),
    "aborts_to_download": ("DOWN-RUNNING-01",),
    "aborts_without_a_word": ("ABORT-RETURN-02",),
    "deletes_without_a_word": ("DELETE-RETURN-02",),
    "waits_the_usual_time": ("CMD-TIMEOUT-01",),
    "knows_no_usual_time": ("CMD-TIMEOUT-04",),
    "takes_any_timeout": ("CMD-TIMEOUT-05",),
    "gives_up_after_a_timeout": ("CMD-TIMEOUT-03",),
    "silence_is_an_internal_error": ("CMD-TIMEOUT-02", "CONN-GONE-02", "CONN-GONE-03"),
    "asks_twice": ("RETRY-ONCE-01",),
    "aborts_once": ("RETRY-ABORT-01",),
    "logs_in_again_unasked": ("CONN-EXPIRE-02", "CONN-EXPIRE-03"),
    "dies_with_the_server": ("CONN-RESTART-02",),
    "insecure_is_never_a_user": ("CONN-INSECURE-02",),
    "takes_no_time_for_a_while": ("CONN-TIMEOUT-06",),
}
"""Each mutant, and the contracts that catch it on release 2.9. Others may catch it, too."""


def _client() -> Any:
    return importlib.import_module("flare_client")


class _AnyPollingOptions(Wrong):
    def monitor_job(self, job_id: str, timeout: float = 0.0, poll_interval: float = 2.0, *args: Any, **kw: Any) -> Any:
        return self._session.monitor_job(job_id, max(timeout, 0.0), max(poll_interval, 0.01), *args, **kw)


class _ForgetsTokens(Wrong):
    def submit_job(self, path: str, submit_token: str | None = None) -> Any:  # noqa: ARG002 - its fault
        return self._session.submit_job(path)


class _ListsWithoutTokens(Wrong):
    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        kwargs.pop("submit_token", None)
        return self._session.list_jobs(*args, **kwargs)


class _MendsTokens(Wrong):
    def submit_job(self, path: str, submit_token: str | None = None) -> Any:
        mended = "".join(letter for letter in str(submit_token) if letter.isascii() and letter.isalnum())[:128]
        return self._session.submit_job(path, submit_token=mended or "none")


class _LeavesResults(Wrong):
    def download_job_result(self, job_id: str, destination: str | None = None) -> Any:  # noqa: ARG002 - its fault
        return self._session.download_job_result(job_id)


class _AbortsToDownload(Wrong):
    def download_job_result(self, job_id: str) -> Any:
        self._session.abort_job(job_id)
        return self._session.download_job_result(job_id)


class _AbortsWithoutAWord(Wrong):
    def abort_job(self, job_id: str) -> None:
        self._session.abort_job(job_id)


class _DeletesWithoutAWord(Wrong):
    def delete_job(self, job_id: str) -> None:
        self._session.delete_job(job_id)


class _UsualTime(Wrong):
    def set_timeout(self, value: float) -> None:
        """Ignore it."""


class _NoUsualTime(Wrong):
    def unset_timeout(self) -> None:
        """Leave the last one."""


class _AnyTimeout(Wrong):
    def set_timeout(self, value: Any) -> None:
        if isinstance(value, (int, float)) and value > 0:
            self._session.set_timeout(value)


class _GivesUp(Wrong):
    def list_jobs(self) -> Any:
        try:
            return self._session.list_jobs()
        except ConnectionError:
            self._session.close()
            raise


class _InternalSilence(Wrong):
    def list_jobs(self) -> Any:
        try:
            return self._session.list_jobs()
        except ConnectionError as problem:
            raise _client().InternalError(str(problem)) from problem


class _AsksTwice(Wrong):
    def get_job_meta(self, job_id: str) -> Any:
        try:
            return self._session.get_job_meta(job_id)
        except ConnectionError:
            return self._session.get_job_meta(job_id)


class _AbortsOnce(Wrong):
    def abort_job(self, job_id: str) -> Any:
        connection = self._session._connection
        return connection.execute(f"abort_job {job_id}")[1].get("info")


class _LogsInAgain(Wrong):
    def list_jobs(self) -> Any:
        try:
            return self._session.list_jobs()
        except _client().SessionExpired:
            self._session.try_connect(5.0)
            return self._session.list_jobs()


class _DiesWithTheServer(Wrong):
    def get_job_meta(self, job_id: str) -> Any:
        link = self._session._connection._link
        if not link.is_open:
            self._session.close()
        return self._session.get_job_meta(job_id)


takes_any_polling_options = factory(_AnyPollingOptions)
forgets_submit_tokens = factory(_ForgetsTokens)
lists_without_tokens = factory(_ListsWithoutTokens)
mends_tokens = factory(_MendsTokens)
leaves_results_behind = factory(_LeavesResults)
aborts_to_download = factory(_AbortsToDownload)
aborts_without_a_word = factory(_AbortsWithoutAWord)
deletes_without_a_word = factory(_DeletesWithoutAWord)
waits_the_usual_time = factory(_UsualTime)
knows_no_usual_time = factory(_NoUsualTime)
takes_any_timeout = factory(_AnyTimeout)
gives_up_after_a_timeout = factory(_GivesUp)
silence_is_an_internal_error = factory(_InternalSilence)
asks_twice = factory(_AsksTwice)
aborts_once = factory(_AbortsOnce)
logs_in_again_unasked = factory(_LogsInAgain)
dies_with_the_server = factory(_DiesWithTheServer)


def ignores_the_study(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **_further: Any) -> Any:
    """Log in to the default study, whichever was asked for."""
    return factory(Wrong)(username, kit, secure=secure, timeout=timeout)


def insecure_is_never_a_user(username: str, kit: str, secure: bool = True, timeout: float = 10.0) -> Any:
    """Be the project's admin wherever the caller names nobody."""
    user = username if secure else "admin@nvidia.com"
    return _client().new_secure_session(user, kit, timeout=timeout)


def takes_no_time_for_a_while(username: str, kit: str, secure: bool = True, timeout: float = 10.0) -> Any:
    """Take a timeout that is none for a short one."""
    return factory(Wrong)(username, kit, secure=secure, timeout=timeout if timeout > 0 else 5.0)
