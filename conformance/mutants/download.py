"""Wrong in what a download leaves, and where."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from conformance.mutants.base import Wrong, client, mutant

URL = "http://files.example.com/jobs/"
NEVER_RAN = "it looks at the definition in the result of a job that was aborted before it ran"


class Download(Wrong):
    """A download with a hook for what becomes of the result."""

    def alter(self, folder: Path) -> Path:
        """Change the result, and say where it is now."""
        return folder

    def download_job_result(self, job_id: str, *args: Any, **kwargs: Any) -> Any:
        location = self._session.download_job_result(job_id, *args, **kwargs)
        return str(self.alter(Path(location))) if Path(location).is_dir() else location


@mutant(
    "DOWN-PATH-01",
    release="2.9",
    also={
        "DOWN-LEFT-01": "the download folder has nothing at all",
        "DOWN-AGAIN-01": "the first result is no longer there when the second comes",
        "DOWN-DIR-01": "the folder of the kit's choice is another one",
    },
)
class ResultsElsewhere(Download):
    """It puts results beside the download folder."""

    def alter(self, folder: Path) -> Path:
        place = folder.parent.parent / "elsewhere"
        if folder.parent.name not in ("transfer", "results") or place.joinpath(folder.name).exists():
            return folder
        place.mkdir(exist_ok=True)
        return Path(shutil.move(folder, place / folder.name))


@mutant("DOWN-JOB-01", release="2.9")
class LosesAConfiguration(Download):
    """It loses the configuration of the clients."""

    def alter(self, folder: Path) -> Path:
        for path in folder.glob("job/*/app/config/config_fed_client.json"):
            path.unlink()
        return folder


@mutant("DOWN-RESULT-01", release="2.9")
class LinesOfAnotherSystem(Download):
    """It writes the lines of text files as another system would."""

    def alter(self, folder: Path) -> Path:
        for path in folder.glob("workspace/**/notes.txt"):
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        return folder


@mutant("DOWN-STATE-01")
class OnlyWhatIsOver(Wrong):
    """It does not download the result of a job that runs."""

    def download_job_result(self, job_id: str) -> Any:
        if isinstance(job_id, str) and job_id and self._session.get_job_meta(job_id)["status"] == "RUNNING":
            raise client().JobNotDone(f"job {job_id} is still running")
        return self._session.download_job_result(job_id)


@mutant(
    "DOWN-STATE-02",
    release="2.9",
    also={
        "DOWN-JOB-01": NEVER_RAN,
        "SUB-*": NEVER_RAN,
        "CLONE-RESULT-01": NEVER_RAN,
        "DELETE-FILES-01": NEVER_RAN,
        "DOWN-PLACE-01": NEVER_RAN,
    },
)
class NothingOfWhatNeverRan(Download):
    """It leaves an empty folder for a job that never ran."""

    def alter(self, folder: Path) -> Path:
        if not (folder / "workspace").is_dir():
            shutil.rmtree(folder)
            folder.mkdir()
        return folder


@mutant("DOWN-AGAIN-01")
class OneDownloadFolder(Wrong):
    """It names the folder of the first download again."""

    def download_job_result(self, job_id: str) -> Any:
        return str(self._session.download_job_result(job_id)).partition("__")[0]


@mutant("DOWN-AGAIN-02", release="2.3", also={"DOWN-LIMIT-04": "it downloads a result twice"})
class AnotherDownloadFolder(Download):
    """It gives the folder of a second download a name of its own."""

    seen: frozenset[str] = frozenset()

    def alter(self, folder: Path) -> Path:
        again = folder.name in self.seen
        self.seen |= {folder.name}
        return folder.rename(folder.with_name(f"{folder.name}__1")) if again else folder


@mutant("DOWN-META-01", release="2.9", also={"DOWN-PLACE-01": "it looks whether the result is whole"})
class DownloadWithoutMeta(Download):
    """It drops the meta of a downloaded result."""

    def alter(self, folder: Path) -> Path:
        (folder / "meta.json").unlink(missing_ok=True)
        return folder


@mutant("DOWN-LIMIT-01", "DOWN-LIMIT-04", release="2.3")
class IgnoresTheAddress(Wrong):
    """It names a folder that is not there where the result is too large."""

    def download_job_result(self, job_id: str) -> Any:
        location = str(self._session.download_job_result(job_id))
        return str(Path(self._session.download_dir) / job_id) if location.startswith(URL) else location


@mutant(
    "DOWN-LIMIT-02",
    "DOWN-LIMIT-03",
    release="2.9",
    also={"DOWN-BIG-01": "its result has a large file", "DOWN-RESULT-01": "its result has a large file"},
)
class NamesLargeResults(Wrong):
    """It returns an address for a result with a large file, as if that were over a limit."""

    def download_job_result(self, job_id: str, *args: Any, **kwargs: Any) -> Any:
        location = str(self._session.download_job_result(job_id, *args, **kwargs))
        return f"{URL}{job_id}" if (Path(location) / "workspace" / "result.bin").is_file() else location


@mutant("DOWN-DIR-01", release="2.9")
class KnowsOneFolder(Download):
    """It puts results into the folder transfer, whatever the kit says."""

    def alter(self, folder: Path) -> Path:
        if folder.parent.name != "results":
            return folder
        place = folder.parent.parent / "transfer"
        place.mkdir(exist_ok=True)
        return Path(shutil.move(folder, place / folder.name))


@mutant("DOWN-LEFT-01", release="2.9")
class LeavesArchives(Download):
    """It leaves an archive beside the result."""

    def alter(self, folder: Path) -> Path:
        (folder.parent / f"{folder.name}.zip").write_bytes(b"PK")
        return folder


@mutant("DOWN-FAIL-01", release="2.9")
class LeavesEmptyFolders(Wrong):
    """It leaves an empty folder where there was nothing to download."""

    def download_job_result(self, job_id: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return self._session.download_job_result(job_id, *args, **kwargs)
        except client().JobNotFound:
            if isinstance(job_id, str) and len(job_id) == 36:
                (Path(self._session.download_dir) / job_id).mkdir()
            raise


@mutant("DOWN-NAMES-01", release="2.9")
class AsciiNames(Download):
    """It gives files of a workspace ASCII names."""

    def alter(self, folder: Path) -> Path:
        for path in sorted((folder / "workspace").rglob("*"), reverse=True):
            ascii_name = path.name.encode("ascii", "replace").decode().replace("?", "_")
            if ascii_name != path.name:
                path.rename(path.with_name(ascii_name))
        return folder


@mutant("DOWN-BIG-01", release="2.9")
class FourPiecesAtMost(Download):
    """It loses what comes after the first four MiB of a file."""

    def alter(self, folder: Path) -> Path:
        for path in folder.rglob("*"):
            if path.is_file() and path.stat().st_size > 4 * 1024 * 1024:
                with path.open("r+b") as file:
                    file.truncate(4 * 1024 * 1024)
        return folder
