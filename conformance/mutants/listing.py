"""Wrong lists of jobs."""

from __future__ import annotations

from typing import Any

from conformance.mutants.base import Wrong, mutant


@mutant("LIST-LIMIT-01")
class KeepsOldest(Wrong):
    """It keeps the oldest jobs under a limit."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        limit = kwargs.pop("limit", None)
        jobs = self._session.list_jobs(*args, **kwargs)
        return jobs[:limit] if limit and limit > 0 else jobs


@mutant("LIST-NAME-01")
class CaseSensitiveNames(Wrong):
    """It matches prefixes of names by case."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        prefix = kwargs.get("name_prefix")
        jobs = self._session.list_jobs(*args, **kwargs)
        return [job for job in jobs if not prefix or job.get("job_name", job.get("name")).startswith(prefix)]


@mutant("LIST-ORDER-01", "LIST-LAW-01")
class IgnoresReverse(Wrong):
    """It ignores reverse."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        kwargs.pop("reverse", None)
        return self._session.list_jobs(*args, **kwargs)


@mutant("LIST-LAW-01")
class LimitsBeforeFilters(Wrong):
    """It applies the limit before the prefixes."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        limit = kwargs.pop("limit", None)
        newest = {job["job_id"] for job in self._session.list_jobs(limit=limit)}
        return [job for job in self._session.list_jobs(*args, **kwargs) if job["job_id"] in newest]


@mutant("LIST-LAW-01")
class DetailsWithoutLimit(Wrong):
    """It forgets the limit where details are asked for."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("detailed"):
            kwargs.pop("limit", None)
        return self._session.list_jobs(*args, **kwargs)
