"""What a job leaves behind, as the files that a client downloads. Written on demand, streamed, the same each time."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
import shutil
import struct
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from flare_client.protocol.envelope import Json
from flare_client.protocol.jobs import SERVER_SITE
from flare_client.protocol.releases import ReleaseProfile
from mock_server.files import SHARED, write_atomically
from mock_server.jobs.store import Job
from mock_server.scenarios.results import BIG_FILE, ResultSpec

JOB_FILE = "job.zip"
META_FILE = "meta.json"
WORKSPACE_FILE = "workspace.zip"
_INLINE = {True: "inline-saved.zip", False: "inline-unsaved.zip"}
"""The files for the downloads of release 2.3, by whether the server has the workspace."""

_BLOCK = 1024 * 1024
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every member, so that a result is the same each time it is made."""


@dataclasses.dataclass(frozen=True)
class ResultFile:
    """A file of a download: its name there, and where it is."""

    name: str
    path: Path


Writer = Callable[[IO[bytes]], None]


def _write_whole(target: Path, write: Writer) -> Path:
    """Make a file by a function, once; a half-written one never has the name of the whole."""
    if target.exists():
        return target
    target.parent.mkdir(exist_ok=True)
    # Beside the folders of jobs: what a process leaves there that is killed, is seen to be nobody's.
    handle = tempfile.NamedTemporaryFile(dir=target.parent.parent, prefix=f".{target.name}.", delete=False)  # noqa: SIM115
    part = Path(handle.name)
    try:
        with handle:
            write(handle)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return target


def _blocks(size: int, seed: str) -> Iterator[bytes]:
    """Content that does not compress, the same for a seed: one random block, numbered so that no two are equal."""
    digest = hashlib.sha256(seed.encode("utf-8")).digest()
    block = random.Random(digest).randbytes(_BLOCK)  # noqa: S311 - filler, no secret
    for number in range(0, size, _BLOCK):
        yield (struct.pack(">Q", number) + block[8:])[: min(_BLOCK, size - number)]


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.external_attr = (0o755 << 16) | 0x10 if name.endswith("/") else 0o644 << 16
    return info


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(_member(name), content)


def _fillers(job: Job, spec: ResultSpec) -> Iterator[tuple[str, int, str]]:
    """The files that have a size and no meaning: their paths, their bytes, and the seeds of their content."""
    if spec.size:
        yield BIG_FILE, spec.size, job.job_id
    for name, size in spec.sizes.items():
        yield str(PurePosixPath(name)), size, f"{job.job_id}/{name}"
    for tree in spec.trees:
        yield from ((leaf, tree.file_size, f"{job.job_id}/{leaf}") for leaf in tree.paths())


def _meta_json(job: Job) -> bytes:
    return json.dumps(job.meta, indent=2).encode("utf-8")


def _log(job: Job) -> str:
    times = [str(job.meta.get(key) or "") for key in ("submit_time_iso", "start_time", "duration")]
    return (
        f"simulated job {job.job_id} ({job.name}): nothing was trained\n"
        f"submitted {times[0]}, started {times[1]}, ran {times[2]}, status {job.status.value}\n"
        + _lines(job.logs.get(SERVER_SITE, []))
    )


def _json_log(job: Job) -> str:
    """The same, as ``nvflare job logs --format json`` asks for it: an object a line."""
    stamp = time.strftime("%Y-%m-%d %H:%M:%S,000", time.localtime(job.started or 0.0))
    same: dict[str, Json] = {"asctime": stamp, "name": "ServerRunner", "levelname": "INFO"}
    return "".join(json.dumps(same | {"message": line}) + "\n" for line in _log(job).splitlines())


def _lines(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _site_logs(job: Job) -> dict[str, str]:
    """The logs that stages wrote for sites, by their paths in the workspace."""
    return {f"{site}/log.txt": _lines(lines) for site, lines in job.logs.items() if site != SERVER_SITE}


def _workspace_file(job: Job, name: str) -> bytes:
    if name == META_FILE:
        return _meta_json(job)
    if name == "stats_pool_summary.json":
        return b"{}"
    if name == "log.json":
        return _json_log(job).encode("utf-8")
    return _log(job).encode("utf-8") if name in ("log.txt", "log_fl.txt") else b""


def _copy_member(source: zipfile.ZipFile, info: zipfile.ZipInfo, target: zipfile.ZipFile, name: str) -> None:
    if info.is_dir():
        _put(target, name, b"")
        return
    with source.open(info) as content, target.open(_member(name), "w", force_zip64=True) as member:
        shutil.copyfileobj(content, member, _BLOCK)


def _app_members(job: Job, definition: zipfile.ZipFile) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    """The server's app as it was deployed: the folder of the app under the name ``app_server``."""
    top = f"{job.job_folder}/{job.app_name}/"
    for info in definition.infolist():
        if info.filename.startswith(top) and info.filename != top:
            yield f"app_server/{info.filename[len(top) :]}", info


def _write_workspace(
    job: Job, spec: ResultSpec, profile: ReleaseProfile, archive: zipfile.ZipFile, prefix: str = ""
) -> None:
    texts = {name: text.encode("utf-8") for name, text in (_site_logs(job) | spec.files).items()}
    own = {PurePosixPath(name): content for name, content in (texts | spec.binaries).items()}
    # What a scenario puts into a workspace stands before what would be there anyway, and no path is file and folder.
    names = [*own, *map(PurePosixPath, spec.sizes), *(PurePosixPath(tree.path) for tree in spec.trees)]
    taken = {path for name in names for path in (name, *name.parents)} - {PurePosixPath()}

    def is_free(name: str) -> bool:
        path = PurePosixPath(name)
        return path not in taken and not any(parent in names for parent in path.parents)

    for name in profile.workspace_files:
        if is_free(name):
            _put(archive, f"{prefix}{name}", _workspace_file(job, name))
    for path, content in own.items():
        _put(archive, f"{prefix}{path}", content)
    for leaf, size, seed in _fillers(job, spec):
        with archive.open(_member(f"{prefix}{leaf}"), "w", force_zip64=True) as target:
            for block in _blocks(size, seed):
                target.write(block)
    with zipfile.ZipFile(job.definition) as definition:
        for name, info in _app_members(job, definition):
            if is_free(name) or (info.is_dir() and PurePosixPath(name) not in names):
                _copy_member(definition, info, archive, f"{prefix}{name}")


def _write_wrapped(job: Job, file: IO[bytes]) -> None:
    """The stored definition as release 2.4 sends it: in an object of two fields (observed: 2.4.2).

    A byte 0x64, the length of what follows as u64, then msgpack: ``{"job_data_": <zip>, "workspace_data_": nil}``.
    Written by hand around the copied file, so that a large definition is not in memory.
    """
    size = job.definition.stat().st_size
    before = b"\x82" + _text("job_data_") + struct.pack(">BI", 0xC6, size)
    after = _text("workspace_data_") + b"\xc0"
    file.write(struct.pack(">BQ", 0x64, len(before) + size + len(after)) + before)
    with job.definition.open("rb") as source:
        shutil.copyfileobj(source, file, _BLOCK)
    file.write(after)


def _text(value: str) -> bytes:
    """A short text in msgpack."""
    return bytes([0xA0 | len(value)]) + value.encode("ascii")


class Results:
    """The files of finished and unfinished jobs, made when somebody asks for them.

    Args:
        profile: the release, which decides on layout and form.
    """

    def __init__(self, profile: ReleaseProfile) -> None:
        self._profile = profile

    def files(self, job: Job, spec: ResultSpec) -> list[ResultFile]:
        """The files of a download from release 2.4 on; the workspace only once the server has saved it."""
        found = []
        if job.is_saved:
            found.append(ResultFile(WORKSPACE_FILE, self._workspace(job, spec)))
        meta = job.folder / META_FILE
        job.folder.mkdir(exist_ok=True)
        # Never in place: a download in progress may hold a link to the file as it was.
        write_atomically(meta, _meta_json(job), SHARED, beside=job.folder.parent)
        found.append(ResultFile(META_FILE, meta))
        found.append(ResultFile(JOB_FILE, self._definition(job)))
        return found

    def texts(self, job: Job, spec: ResultSpec) -> dict[str, str]:
        """The text files of a workspace by their paths; of a job that still runs those that every job has."""
        own = {str(PurePosixPath(path)): text for path, text in spec.files.items()} if job.is_saved else {}
        names = self._profile.workspace_files
        usual = {name: _workspace_file(job, name).decode("utf-8") for name in names}
        return usual | _site_logs(job) | own

    @staticmethod
    def outdate(job: Job) -> None:
        """Forget what was made of a result that has changed; downloads in progress hold links of their own."""
        for name in (WORKSPACE_FILE, *_INLINE.values()):
            (job.folder / name).unlink(missing_ok=True)

    def inline(self, job: Job, spec: ResultSpec) -> Path:
        """The one zip of a download from release 2.3: definition and workspace below the id of the job."""
        name = _INLINE[job.is_saved]

        def write(file: IO[bytes]) -> None:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                top = f"{job.job_id}/"
                _put(archive, f"{top}job/", b"")
                with zipfile.ZipFile(job.definition) as definition:
                    for info in definition.infolist():
                        _copy_member(definition, info, archive, f"{top}job/{info.filename}")
                _put(archive, f"{top}workspace/", b"")
                if job.is_saved:
                    _write_workspace(job, spec, self._profile, archive, f"{top}workspace/")

        return _write_whole(job.folder / name, write)

    def size(self, job: Job, spec: ResultSpec) -> int:
        """Bytes of the definition and the workspace, as the limit of release 2.3 counts them."""
        return job.definition.stat().st_size + (self._workspace(job, spec).stat().st_size if job.is_saved else 0)

    def _workspace(self, job: Job, spec: ResultSpec) -> Path:
        def write(file: IO[bytes]) -> None:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                _write_workspace(job, spec, self._profile, archive)

        return _write_whole(job.folder / WORKSPACE_FILE, write)

    def _definition(self, job: Job) -> Path:
        if not self._profile.wraps_job_zip:
            return job.definition
        return _write_whole(job.folder / "job.wrapped", lambda file: _write_wrapped(job, file))
