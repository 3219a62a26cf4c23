"""Downloading a result: where it goes, and what it holds. The limit on it is in ``limits``."""

from __future__ import annotations

import json
from pathlib import Path

from conformance.contract import FROM_24, FROM_28, NOT_27, TO_27, Document, Level, Observed, contract
from conformance.jobs import JobKind
from conformance.needs import Need
from conformance.targets import ADMIN
from conformance.trial import Trial
from conformance.verdicts import holds, same

_SEEN = "2.3.12, 2.4.2, 2.5.2, 2.6.3"
_ALL = f"{_SEEN}, 2.7.3, 2.8.3, 2.9.0"
BIG_BYTES = 5 * 1024 * 1024 + 3
"""More than the pieces in which any release sends files, and no multiple of them."""


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def folder_of(location: object) -> Path:
    """The folder of a result.

    Raises:
        Violation: there is none.
    """
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
    folder = folder_of(trial.session.call("download_job_result", job_id))
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
    found = _files(folder_of(trial.session.call("download_job_result", job_id)) / "job" / source.name)
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
        found = _files(folder_of(session.call("download_job_result", job_id)) / "workspace")
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
        holds(_files(folder_of(trial.session.call("download_job_result", job_id))), "some files", "an empty folder")


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
    holds(_files(folder_of(trial.session.call("download_job_result", job_id))), "some files", "an empty folder")


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
    first = folder_of(trial.session.call("download_job_result", job_id))
    before = _files(first)
    second = folder_of(trial.session.call("download_job_result", job_id))
    third = folder_of(trial.session.call("download_job_result", job_id))
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
    found = _files(folder_of(trial.session.call("download_job_result", job_id))).get("meta.json")
    holds(found is not None, "a meta.json in the folder", "none")
    same(json.loads(found or b"{}").get("job_id"), job_id, "the job_id in it")


@contract(
    "DOWN-DIR-01",
    "The download folder of the kit",
    "The result goes below the folder that the kit names as download_dir, which is made where there is none.",
    Document("download.small"),
    Document("session.startup_path"),
    Observed(f"{_SEEN}, 2.8.3, 2.9.0", "download_dir of fed_admin.json; 2.7 takes no kit that was edited"),
    releases=NOT_27,
)
def download_dir(trial: Trial) -> None:
    kit = trial.copied_kit(trial.target.kit())
    path = kit / "startup" / "fed_admin.json"
    document = json.loads(path.read_text())
    document["admin"]["download_dir"] = "results"
    path.write_text(json.dumps(document))
    job_id = trial.submit()
    trial.session.call("abort_job", job_id)
    session = trial.adapter.open(trial.target.user, kit, timeout=15.0)
    folder = folder_of(session.call("download_job_result", job_id))
    same(folder.resolve(), (kit / "results" / job_id).resolve(), "the folder of the result")
    session.close()


@contract(
    "DOWN-LEFT-01",
    "Nothing beside the result",
    "A download leaves the folder of the result in the download folder, and nothing else.",
    Document("download.returns"),
    Observed(_ALL, "no archive and no folder of another name is left"),
)
def nothing_left(trial: Trial) -> None:
    place = trial.target.kit() / "transfer"
    before = {path.name for path in place.iterdir()}
    job_id = trial.submit()
    trial.session.call("abort_job", job_id)
    folder_of(trial.session.call("download_job_result", job_id))
    same({path.name for path in place.iterdir()} - before, {job_id}, "what the download added to the folder")


@contract(
    "DOWN-FAIL-01",
    "Nothing to download",
    "A download that fails leaves nothing in the download folder.",
    Document("download"),
    Observed(_ALL, "JobNotFound, and no folder"),
)
def nothing_made(trial: Trial) -> None:
    place = trial.target.kit() / "transfer"
    job_id = trial.submit()
    trial.session.call("delete_job", job_id)
    before = {path.name for path in place.iterdir()}
    trial.raises(("JobNotFound",), "the result of a deleted job", trial.session.call, "download_job_result", job_id)
    same({path.name for path in place.iterdir()}, before, "the download folder")


@contract(
    "DOWN-NAMES-01",
    "File names of any language in a result",
    "Files of a result keep their names, with blanks and letters of any language, and empty files are files, too.",
    Document("download"),
    Observed(_ALL, "names of an archive are UTF-8"),
    needs=(Need.CONTROL,),
)
def result_names(trial: Trial) -> None:
    files = {"models/Prüfung 1.txt": "ü", "数据/モデル.txt": "数", ".hidden": "h", "empty.txt": ""}
    with trial.own_server({"jobs": [{"queued": 0, "running": 0, "result": {"files": files}}]}) as server:
        session = trial.adapter.open(ADMIN, server.kit())
        job_id = session.call("submit_job", str(trial.folder(JobKind.QUICK)))
        found = _files(folder_of(session.call("download_job_result", job_id)) / "workspace")
        session.close()
    same({name: found.get(name) for name in files}, {n: c.encode() for n, c in files.items()}, "the files")


@contract(
    "DOWN-BIG-01",
    "A large result",
    f"A result of {BIG_BYTES:,} bytes is downloaded whole, and twice the same.",
    Document("download"),
    Observed(_ALL, "sent in one line, in blocks or in pieces of 1 MiB"),
    needs=(Need.CONTROL,),
)
def big_result(trial: Trial) -> None:
    scenario = {"jobs": [{"queued": 0, "running": 0, "result": {"size": BIG_BYTES}}]}
    with trial.own_server(scenario) as server:
        session = trial.adapter.open(ADMIN, server.kit())
        job_id = session.call("submit_job", str(trial.folder(JobKind.QUICK)))
        results = [_files(folder_of(session.call("download_job_result", job_id)) / "workspace") for _ in range(2)]
        session.close()
    sizes = [len(result.get("result.bin", b"")) for result in results]
    same(sizes, [BIG_BYTES, BIG_BYTES], "the bytes of the large file in two downloads")
    holds(results[0] == results[1], "two downloads of the same bytes", "different ones")
