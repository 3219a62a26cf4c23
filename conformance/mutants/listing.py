"""Wrong lists of jobs."""

from __future__ import annotations

from typing import Any

from conformance.mutants.base import MAY, Wrong, client, mutant


@mutant(
    "LIST-LIMIT-01",
    also={
        "LIST-LAW-01": f"{MAY} it has limits among its examples",
        "LIST-ARG-01": "the limit is of a wrong type there",
        "LIST-LIMIT-03": "a negative limit is no limit then",
        "LIST-LIMIT-04": "a limit of True is one then",
    },
)
class KeepsOldest(Wrong):
    """It keeps the oldest jobs under a limit."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        limit = kwargs.pop("limit", None)
        jobs = self._session.list_jobs(*args, **kwargs)
        return jobs[:limit] if limit and limit > 0 else jobs


@mutant("LIST-NAME-01", also={"LIST-LAW-01": f"{MAY} it has names of mixed case among its examples"})
class CaseSensitiveNames(Wrong):
    """It matches prefixes of names by case."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        prefix = kwargs.get("name_prefix")
        jobs = self._session.list_jobs(*args, **kwargs)
        return [job for job in jobs if not prefix or job.get("job_name", job.get("name")).startswith(prefix)]


@mutant(
    "LIST-ORDER-01",
    "LIST-LAW-01",
    also={
        "LIST-ARG-01": "reverse is of a wrong type there",
        "LIST-LIMIT-01": f"{MAY} it has both orders among its examples",
        "LIST-LIMIT-03": "it asks for both orders",
    },
)
class IgnoresReverse(Wrong):
    """It ignores reverse."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        kwargs.pop("reverse", None)
        return self._session.list_jobs(*args, **kwargs)


@mutant("LIST-LAW-01", also={"ROBUST-LATE-01": "it asks twice, and how often is counted there"})
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


class Entries(Wrong):
    """Lists with a hook for each entry."""

    def alter(self, entry: dict[str, Any], *, detailed: bool) -> None:
        """Change an entry."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        jobs = self._session.list_jobs(*args, **kwargs)
        for entry in jobs:
            self.alter(entry, detailed="deploy_map" in entry)
        return jobs


@mutant("LIST-SUMMARY-01", release="2.9", also={"LIST-DUR-01": "it is about the duration"})
class ForgetsDurations(Entries):
    """It drops the duration from the entries of a list."""

    def alter(self, entry: dict[str, Any], *, detailed: bool) -> None:
        if not detailed:
            entry.pop("duration", None)


@mutant("LIST-DETAIL-01", release="2.9", also={"LIST-DETAIL-02": "the entry is no longer the meta"})
class TwoNamesInDetail(Entries):
    """It gives detailed entries a job_name, too."""

    def alter(self, entry: dict[str, Any], *, detailed: bool) -> None:
        if detailed:
            entry["job_name"] = entry["name"]


@mutant("LIST-DETAIL-02", release="2.9")
class DetailsWithoutNumbers(Entries):
    """It drops min_clients from detailed entries."""

    def alter(self, entry: dict[str, Any], *, detailed: bool) -> None:
        entry.pop("min_clients", None)


@mutant("LIST-STUDY-01", release="2.9")
class ListsWithoutStudies(Entries):
    """It drops the study from the entries of a list."""

    def alter(self, entry: dict[str, Any], *, detailed: bool) -> None:
        if not detailed:
            entry.pop("study", None)


@mutant("LIST-DUR-01", release="2.9")
class StoredDurations(Entries):
    """It lists the duration that the meta has, which is none while a job runs."""

    def alter(self, entry: dict[str, Any], *, detailed: bool) -> None:
        if entry.get("status") == "RUNNING":
            entry["duration"] = "N/A"


@mutant("LIST-TIME-01", release="2.9")
class WholeSeconds(Entries):
    """It lists the time of submission without fractions and zone."""

    def alter(self, entry: dict[str, Any], *, detailed: bool) -> None:
        if not detailed and "submit_time" in entry:
            entry["submit_time"] = entry["submit_time"][:19]


@mutant("LIFE-SAME-01", release="2.9")
class ShortStatuses(Entries):
    """It lists how a job ended without the word FINISHED."""

    def alter(self, entry: dict[str, Any], *, detailed: bool) -> None:
        if not detailed and "status" in entry:
            entry["status"] = entry["status"].removeprefix("FINISHED:")


@mutant("SUB-NAME-01", release="2.9")
class AsciiJobNames(Entries):
    """It lists job names in ASCII."""

    def alter(self, entry: dict[str, Any], *, detailed: bool) -> None:
        if not detailed and "job_name" in entry:
            entry["job_name"] = entry["job_name"].encode("ascii", "replace").decode()


@mutant("LIST-LIMIT-02", release="2.9", also={"LIST-LAW-01": f"{MAY} it has a limit of 0 among its examples"})
class ZeroIsNone(Wrong):
    """It lists no job where the limit is 0."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        jobs = self._session.list_jobs(*args, **kwargs)
        limit = kwargs.get("limit")
        return [] if limit == 0 and limit is not None and not isinstance(limit, bool) else jobs


@mutant("LIST-LIMIT-03", release="2.9")
class NegativeIsNoLimit(Wrong):
    """It takes a negative limit for none."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        limit = kwargs.get("limit")
        if isinstance(limit, int) and limit < 0:
            kwargs["limit"] = None
        return self._session.list_jobs(*args, **kwargs)


@mutant("LIST-LIMIT-04", release="2.9")
class TrueIsOne(Wrong):
    """It takes a limit of True for 1."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("limit") is True:
            kwargs["limit"] = 1
        return self._session.list_jobs(*args, **kwargs)


@mutant("LIST-NAME-02", release="2.9")
class FindsInside(Wrong):
    """It finds what name_prefix says anywhere in a name."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        wanted = kwargs.get("name_prefix")
        if not isinstance(wanted, str) or kwargs.get("limit") or kwargs.get("detailed"):
            return self._session.list_jobs(*args, **kwargs)
        jobs = self._session.list_jobs(*args, **{**kwargs, "name_prefix": None})
        return [job for job in jobs if wanted.lower() in job["job_name"].lower()]


@mutant("LIST-ID-01", release="2.9", also={"LIST-LAW-01": f"{MAY} it has ids of mixed case among its examples"})
class CaseSensitiveIdPrefixes(Wrong):
    """It matches prefixes of ids by case."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        prefix = kwargs.get("id_prefix")
        jobs = self._session.list_jobs(*args, **kwargs)
        return [job for job in jobs if not prefix or job["job_id"].startswith(prefix)]


@mutant("LIST-BOTH-01", release="2.9", also={"LIST-LAW-01": f"{MAY} it has both prefixes among its examples"})
class OnePrefixIsEnough(Wrong):
    """It ignores id_prefix where there is a name_prefix."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("name_prefix") and isinstance(kwargs.get("id_prefix"), str):
            kwargs["id_prefix"] = None
        return self._session.list_jobs(*args, **kwargs)


@mutant("LIST-NONE-01", release="2.9")
class NothingIsNotFound(Wrong):
    """It raises JobNotFound where no job has a name that begins with `none`."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        jobs = self._session.list_jobs(*args, **kwargs)
        if not jobs and str(kwargs.get("name_prefix")).startswith("none-"):
            raise client().JobNotFound("no job matches")
        return jobs


@mutant(
    "LIST-NONE-02", release="2.9", also={"LIST-LAW-01": f"{MAY} it has detailed lists of no job among its examples"}
)
class NothingInDetail(Wrong):
    """It returns no list where there is no job at all and details are asked for."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        jobs = self._session.list_jobs(*args, **kwargs)
        return None if not jobs and kwargs.get("detailed") is True else jobs


@mutant("LIST-ARG-01", release="2.9")
class TruthIsEnough(Wrong):
    """It takes any value for detailed and judges its truth."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        if "detailed" in kwargs:
            kwargs["detailed"] = bool(kwargs["detailed"])
        return self._session.list_jobs(*args, **kwargs)


@mutant("LIST-ORDER-02", release="2.9", also={"LIST-LAW-01": "its names are not in the order of submission"})
class SortsByName(Wrong):
    """It lists jobs by their names."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        jobs = self._session.list_jobs(*args, **kwargs)
        reverse = kwargs.get("reverse", args[4] if len(args) > 4 else False)
        return sorted(jobs, key=lambda job: str(job.get("job_name", job.get("name"))), reverse=reverse is True)


@mutant("ARG-PLACE-01", release="2.9")
class NamesAlone(Wrong):
    """It takes the arguments of list_jobs by name alone."""

    def list_jobs(self, **kwargs: Any) -> Any:
        return self._session.list_jobs(**kwargs)


@mutant("STUDY-LIST-01", release="2.9")
class OtherStudiesAreForbidden(Wrong):
    """It raises AuthorizationError for a job that a session of the default study does not see, but which was there."""

    known: set[str] = set()  # noqa: RUF012 - of all sessions, on purpose

    def submit_job(self, job_definition_path: str, **options: Any) -> Any:
        job_id = self._session.submit_job(job_definition_path, **options)
        if self._session.get_job_meta(job_id)["study"] != "default":
            self.known.add(job_id)
        return job_id

    def get_job_meta(self, job_id: str) -> Any:
        try:
            return self._session.get_job_meta(job_id)
        except client().JobNotFound as problem:
            if isinstance(job_id, str) and job_id in self.known:
                raise client().AuthorizationError(str(problem)) from problem
            raise


@mutant("ROLE-VIEW-01", release="2.9")
class MembersSeeTheirOwn(Wrong):
    """It lists for members the jobs that they submitted, which are none."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        return [] if self._session.username.startswith("member@") else self._session.list_jobs(*args, **kwargs)
