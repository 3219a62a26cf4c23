"""Downloading a result: where it goes, what it holds, and what happens over the limit."""

from __future__ import annotations

import json
from pathlib import Path

from conformance.contract import FROM_24, FROM_28, TO_27, Document, Level, Observed, contract
from conformance.jobs import JobKind
from conformance.needs import Need
from conformance.targets import ADMIN
from conformance.trial import Trial
from conformance.verdicts import holds, same

_SEEN = "2.3.12, 2.4.2, 2.5.2, 2.6.3"
URL = "http://files.example.com/jobs/"


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _folder(location: object) -> Path:
    holds(isinstance(location, str) and Path(location).is_dir(), "the path of a folder", location)
    return Path(str(location))


@contract(
    "DOWN-PATH-01",
    "Where the result is",
    "download_job_result returns the folder of the result, below the kit's download folder, named by the job id.",
    Document("download"),
    Document("download.returns"),
    Document("download.small"),
)
def path(trial: Trial) -> None:
    job_id = trial.submit()
    trial.session.call("abort_job", job_id)
    folder = _folder(trial.session.call("download_job_result", job_id))
    same(folder.name, job_id, "the name of the folder")
    same(folder.parent.resolve(), (trial.target.kit() / "transfer").resolve(), "the folder above it")


@contract(
    "DOWN-JOB-01",
    "The definition in the result",
    "The result holds the job definition as it was submitted.",
    Document("download"),
    Observed(_SEEN, "job/<folder>/..."),
)
def definition(trial: Trial) -> None:
    source = trial.folder(JobKind.WAITING)
    # Official clients write their signatures into the folder itself: what was submitted is noted before.
    expected = {name: content for name, content in _files(source).items() if not name.endswith("meta.json")}
    job_id = trial.session.call("submit_job", str(source))
    trial.session.call("abort_job", job_id)
    found = _files(_folder(trial.session.call("download_job_result", job_id)) / "job" / source.name)
    for name, content in expected.items():
        same(found.get(name), content, f"the content of {name}")


@contract(
    "DOWN-RESULT-01",
    "The workspace in the result",
    "The result of a job that is over holds the files of the server's workspace.",
    Document("download"),
    needs=(Need.CONTROL,),
)
def workspace(trial: Trial) -> None:
    files = {"model.txt": "weights", "deep/er/notes.txt": "two\nlines"}
    scenario = {"jobs": [{"queued": 0, "running": 0, "result": {"files": files, "size": "100KiB"}}]}
    with trial.own_server(scenario) as server:
        session = trial.adapter.open(ADMIN, server.kit())
        job_id = session.call("submit_job", str(trial.folder(JobKind.QUICK)))
        found = _files(_folder(session.call("download_job_result", job_id)) / "workspace")
        session.close()
    for name, text in files.items():
        same(found.get(name), text.encode(), f"the content of {name}")
    same(max(len(content) for content in found.values()), 100 * 1024, "the size of the largest file")


@contract(
    "DOWN-STATE-01",
    "A job that is not over",
    "download_job_result works on a job that waits, runs or was aborted: it delivers what there is.",
    Document("download"),
    Observed(_SEEN, "definition and, if there is one, workspace"),
    releases=TO_27,
    needs=(Need.RUNNING,),
    level=Level.SHOULD,
)
def any_state(trial: Trial) -> None:
    aborted = trial.submit()
    trial.session.call("abort_job", aborted)
    for job_id in (aborted, trial.running()):
        holds(_files(_folder(trial.session.call("download_job_result", job_id))), "some files", "an empty folder")


@contract(
    "DOWN-STATE-02",
    "A job that never ran",
    "download_job_result delivers the definition of a job that was aborted before it ran.",
    Document("download"),
    Observed("2.8.3, 2.9.0", "any status that begins with FINISHED will do"),
    releases=FROM_28,
    level=Level.SHOULD,
)
def never_ran(trial: Trial) -> None:
    job_id = trial.submit()
    trial.session.call("abort_job", job_id)
    holds(_files(_folder(trial.session.call("download_job_result", job_id))), "some files", "an empty folder")


@contract(
    "DOWN-AGAIN-01",
    "A second download",
    "A second download of a job goes into a folder of its own, with the suffix __1; the first one stays.",
    Observed("2.4.2, 2.5.2, 2.6.3", "__1, __2 ..."),
    releases=FROM_24,
    level=Level.SHOULD,
)
def again(trial: Trial) -> None:
    job_id = trial.submit()
    trial.session.call("abort_job", job_id)
    first = _folder(trial.session.call("download_job_result", job_id))
    before = _files(first)
    second = _folder(trial.session.call("download_job_result", job_id))
    third = _folder(trial.session.call("download_job_result", job_id))
    same([second.name, third.name], [f"{job_id}__1", f"{job_id}__2"], "the names of the folders")
    same(_files(first), before, "the files of the first download")


@contract(
    "DOWN-AGAIN-02",
    "A second download (2.3)",
    "A second download of a job goes into the same folder.",
    Observed("2.3.12", "written over"),
    releases=("2.3",),
    level=Level.MAY,
)
def again_over(trial: Trial) -> None:
    job_id = trial.submit()
    first = trial.session.call("download_job_result", job_id)
    same(trial.session.call("download_job_result", job_id), first, "the folder of the second download")


@contract(
    "DOWN-META-01",
    "The meta in the result",
    "The result holds the meta of the job beside definition and workspace.",
    Document("download"),
    Observed("2.4.2, 2.5.2, 2.6.3", "meta.json in the folder"),
    releases=FROM_24,
    needs=(Need.RUNNING,),
    level=Level.SHOULD,
)
def meta_file(trial: Trial) -> None:
    job_id = trial.finished()
    found = _files(_folder(trial.session.call("download_job_result", job_id))).get("meta.json")
    holds(found is not None, "a meta.json in the folder", "none")
    same(json.loads(found or b"{}").get("job_id"), job_id, "the job_id in it")


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
            _folder(location)
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
                same(_folder(location).name, job_id, f"the folder of a result {-over} below the limit")
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
