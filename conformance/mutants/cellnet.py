"""Wrong in what is new in releases from 2.7 on."""

from __future__ import annotations

from typing import Any

from conformance.mutants.base import Wrong, client, factory, mutant, open_reference
from conformance.mutants.sessions import LogsInAgain


@mutant("MON-ARG-01", "MON-ARG-02", release="2.9")
class TakesAnyPollingOptions(Wrong):
    """It mends polling options that are out of range."""

    def monitor_job(self, job_id: str, timeout: float = 0.0, poll_interval: float = 2.0, *args: Any, **kw: Any) -> Any:
        return super().monitor_job(job_id, max(timeout, 0.0), max(poll_interval, 0.01), *args, **kw)


@mutant(
    "TOKEN-SAME-01",
    "TOKEN-OTHER-01",
    "TOKEN-GONE-01",
    release="2.9",
    also={"TOKEN-FORM-01": "its tokens are none", "TOKEN-LIST-01": "it lists by the token of a submission"},
)
class ForgetsSubmitTokens(Wrong):
    """It submits without the token."""

    def submit_job(self, job_definition_path: str, submit_token: str | None = None) -> Any:
        return self._session.submit_job(job_definition_path)


@mutant("TOKEN-LIST-01", release="2.9", also={"TOKEN-GONE-01": "it lists by the token of a deleted job"})
class ListsWithoutTokens(Wrong):
    """It lists jobs whatever the token."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        kwargs.pop("submit_token", None)
        return self._session.list_jobs(*args, **kwargs)


@mutant("TOKEN-FORM-01", release="2.9")
class MendsTokens(Wrong):
    """It mends a malformed token."""

    def submit_job(self, job_definition_path: str, submit_token: str | None = None) -> Any:
        if submit_token is None:
            return self._session.submit_job(job_definition_path)
        mended = "".join(
            letter for letter in str(submit_token) if letter.isascii() and (letter.isalnum() or letter in "._:-")
        )[:128]
        return self._session.submit_job(job_definition_path, submit_token=mended or "none")


@mutant("DOWN-PLACE-01", release="2.9")
class LeavesResultsBehind(Wrong):
    """It ignores the destination of a download."""

    def download_job_result(self, job_id: str, destination: str | None = None) -> Any:
        return self._session.download_job_result(job_id)


@mutant("DOWN-RUNNING-01", release="2.9")
class AbortsToDownload(Wrong):
    """It aborts a running job to download it."""

    def download_job_result(self, job_id: str, *args: Any, **kwargs: Any) -> Any:
        self._session.abort_job(job_id)
        return self._session.download_job_result(job_id, *args, **kwargs)


@mutant("ABORT-RETURN-02", release="2.9")
class AbortsWithoutAWord(Wrong):
    """It returns None for an abort."""

    def abort_job(self, job_id: str) -> None:
        self._session.abort_job(job_id)


@mutant("DELETE-RETURN-02", release="2.9", also={"TOKEN-GONE-01": "it looks at the result of the deletion, too"})
class DeletesWithoutAWord(Wrong):
    """It returns None for a deletion."""

    def delete_job(self, job_id: str) -> None:
        self._session.delete_job(job_id)


@mutant("CMD-TIMEOUT-01", release="2.9", also={"CMD-TIMEOUT-05": "nothing is checked by a method that does nothing"})
class WaitsTheUsualTime(Wrong):
    """It ignores set_timeout."""

    def set_timeout(self, value: float) -> None:
        """Ignore it."""


@mutant("CMD-TIMEOUT-04", release="2.9")
class KnowsNoUsualTime(Wrong):
    """It keeps the timeout after unset_timeout."""

    def unset_timeout(self) -> None:
        """Leave the last one."""


@mutant("CMD-TIMEOUT-05", release="2.9")
class TakesAnyTimeout(Wrong):
    """It ignores a timeout that is none."""

    def set_timeout(self, value: Any) -> None:
        if isinstance(value, (int, float)) and value > 0:
            self._session.set_timeout(value)


_GOES_ON = "it goes on after an answer that is none"


@mutant(
    "CMD-TIMEOUT-03",
    release="2.9",
    also={
        "RETRY-ONCE-01": "it goes on after a command without an answer",
        **dict.fromkeys(
            ("ROBUST-AFTER-01", "ROBUST-CORRUPT-01", "ROBUST-GARBAGE-*", "ROBUST-ITEM-01", "ROBUST-TRUNC-01"), _GOES_ON
        ),
    },
)
class GivesUpAfterATimeout(Wrong):
    """It closes the session after a command without an answer."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return self._session.list_jobs(*args, **kwargs)
        except ConnectionError:
            self._session.close()
            raise


@mutant(
    "CMD-TIMEOUT-02",
    "CONN-GONE-02",
    "CONN-GONE-03",
    release="2.9",
    also=dict.fromkeys(
        (
            *("CMD-TIMEOUT-*", "RETRY-ONCE-01", "ROBUST-AFTER-01", "ROBUST-CLOSE-01", "ROBUST-CORRUPT-01"),
            *("ROBUST-CUT-01", "ROBUST-GARBAGE-*", "ROBUST-ITEM-01", "ROBUST-RESET-01", "ROBUST-RESTART-01"),
            "ROBUST-TRUNC-01",
        ),
        "list_jobs without an answer that can be read is to be a ConnectionError",
    ),
)
class SilenceIsAnInternalError(Wrong):
    """It raises InternalError where no answer comes."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return self._session.list_jobs(*args, **kwargs)
        except ConnectionError as problem:
            raise client().InternalError(str(problem)) from problem


@mutant("RETRY-ONCE-01", release="2.9")
class AsksTwice(Wrong):
    """It sends get_job_meta again where no answer came."""

    def get_job_meta(self, job_id: str) -> Any:
        try:
            return self._session.get_job_meta(job_id)
        except ConnectionError:
            return self._session.get_job_meta(job_id)


@mutant("RETRY-ABORT-01", release="2.9")
class AbortsOnce(Wrong):
    """It sends abort_job once."""

    def abort_job(self, job_id: str) -> Any:
        connection = self._session._connection
        return connection.execute(f"abort_job {job_id}")[1].get("info")


@mutant(
    "CONN-EXPIRE-02",
    "CONN-EXPIRE-03",
    release="2.9",
    also=dict.fromkeys(("ROBUST-EXPIRE-02", "ROBUST-FORGET-01"), "the session is over there, too"),
)
class LogsInAgainUnasked(LogsInAgain):
    """It logs in again where the session expired."""


@mutant("CONN-RESTART-02", release="2.9")
class DiesWithTheServer(Wrong):
    """It closes the session where the connection was lost."""

    def get_job_meta(self, job_id: str) -> Any:
        link = self._session._connection._link
        if link is not None and not link.is_open:
            self._session.close()
        return self._session.get_job_meta(job_id)


@mutant("STUDY-UNKNOWN-01", "STUDY-NAME-01", release="2.9", also={"STUDY-*": "it works in a study"})
def ignores_the_study(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **_further: Any) -> Any:
    """It logs in to the default study, whichever was asked for."""
    return factory(Wrong)(username, kit, secure=secure, timeout=timeout)


@mutant("CONN-INSECURE-02", release="2.9")
def insecure_is_never_a_user(
    username: str, kit: str, secure: bool = True, timeout: float = 10.0, **further: Any
) -> Any:
    """It is the project's admin wherever the caller names nobody."""
    user = username if secure else "admin@nvidia.com"
    return open_reference(user, kit, timeout=timeout, **further)


@mutant("CONN-TIMEOUT-06", release="2.9")
def takes_no_time_for_a_while(
    username: str, kit: str, secure: bool = True, timeout: float = 10.0, **further: Any
) -> Any:
    """It takes a timeout that is none for a short one."""
    return open_reference(username, kit, secure, timeout if timeout > 0 else 5.0, **further)
