"""The limit on downloads: what is delivered, and what is named by its address."""

from __future__ import annotations

from pathlib import Path

from conformance.contract import FROM_24, Document, Level, Observed, contract
from conformance.contracts.download import folder_of
from conformance.jobs import JobKind
from conformance.needs import Need
from conformance.targets import ADMIN
from conformance.trial import Trial
from conformance.verdicts import holds, same

URL = "http://files.example.com/jobs/"


def _limited(trial: Trial, limit: int) -> object:
    """Download a result of a known size from a server with a limit."""
    scenario = {
        "jobs": [{"queued": 0, "running": 0, "result": {"size": 50_000}}],
        "limits": {"max_download_size": limit, "download_url": URL},
    }
    with trial.own_server(scenario) as server:
        session = trial.adapter.open(ADMIN, server.kit())
        job_id = session.call("submit_job", str(trial.folder(JobKind.QUICK, name="sized")))
        location = session.call("download_job_result", job_id)
        if isinstance(location, str) and not location.startswith(URL):
            folder_of(location)
            same(Path(location).name, job_id, "the name of the folder")
        elif location != f"{URL}{job_id}":
            same(location, f"{URL}{job_id}", "the location")
        session.close()
        return location


@contract(
    "DOWN-LIMIT-01",
    "A result over the limit",
    "Where the result is larger than the server's limit, download_job_result returns its address.",
    Document("download.large"),
    Observed("2.3.12", "the address of the server's configuration, then the job id"),
    releases=("2.3",),
    needs=(Need.CONTROL,),
)
def over_the_limit(trial: Trial) -> None:
    location = _limited(trial, 10_000)
    holds(str(location).startswith(URL), f"an address that begins with {URL}", location)


@contract(
    "DOWN-LIMIT-04",
    "A result at the limit, to the byte",
    "A result of just the limit's size, or a byte less, is downloaded; of a byte more, it is named by its address.",
    Document("download.small"),
    Document("download.large"),
    Observed("2.3.12", "over the limit means larger than it"),
    releases=("2.3",),
    needs=(Need.CONTROL,),
    level=Level.SHOULD,
)
def at_the_limit(trial: Trial) -> None:
    scenario = {"jobs": [{"queued": 0, "running": 0}], "limits": {"download_url": URL}}
    with trial.own_server(scenario) as server:
        session = trial.adapter.open(ADMIN, server.kit())
        job_id = session.call("submit_job", str(trial.folder(JobKind.QUICK)))
        for over in (-1, 0, 1):
            server.limit_downloads(job_id, over)
            location = session.call("download_job_result", job_id)
            if over > 0:
                same(location, f"{URL}{job_id}", f"the location of a result {over} over the limit")
            else:
                same(folder_of(location).name, job_id, f"the folder of a result {-over} below the limit")
        session.close()


@contract(
    "DOWN-LIMIT-02",
    "A result below the limit",
    "Where the result is smaller than the server's limit, download_job_result returns its folder.",
    Document("download.small"),
    needs=(Need.CONTROL,),
)
def within_the_limit(trial: Trial) -> None:
    location = _limited(trial, 50_000_000)
    holds(not str(location).startswith(URL), "a folder", location)


@contract(
    "DOWN-LIMIT-03",
    "No limit",
    "From release 2.4 on there is no limit: download_job_result returns a folder.",
    Observed("2.4.2, 2.5.2, 2.6.3", "the limit is not looked at"),
    releases=FROM_24,
    needs=(Need.CONTROL,),
)
def no_limit(trial: Trial) -> None:
    holds(not str(_limited(trial, 1)).startswith(URL), "a folder", "an address")
