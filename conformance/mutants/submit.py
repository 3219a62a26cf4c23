"""Wrong in what it submits, and in what it says of a definition that is refused."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from conformance.mutants.base import Wrong, client, mutant

COUNTS = "it counts the jobs of a name"


class Copies(Wrong):
    """Submits a copy of a definition, with a hook that changes it."""

    def alter(self, folder: Path) -> None:
        """Change the copy."""

    def submit_job(self, job_definition_path: str, **options: Any) -> Any:
        if not isinstance(job_definition_path, str) or not Path(job_definition_path).joinpath("meta.json").is_file():
            return self._session.submit_job(job_definition_path, **options)
        with tempfile.TemporaryDirectory() as parent:
            copy = Path(parent) / Path(job_definition_path).name
            shutil.copytree(job_definition_path, copy, symlinks=True)
            self.alter(copy)
            return self._session.submit_job(str(copy), **options)

    @staticmethod
    def _files(folder: Path) -> list[Path]:
        return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".__nvfl"))


@mutant("SUB-BINARY-01", release="2.9")
class PlainLines(Copies):
    """It writes the lines of small files as its own system does."""

    def alter(self, folder: Path) -> None:
        for path in self._files(folder):
            if path.stat().st_size < 100_000:
                path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n"))


@mutant("SUB-HIDDEN-01", release="2.9")
class NothingHidden(Copies):
    """It leaves out files whose name begins with a dot."""

    def alter(self, folder: Path) -> None:
        for path in self._files(folder):
            if path.name.startswith("."):
                path.unlink()


@mutant("SUB-EMPTY-01", release="2.9")
class NothingEmpty(Copies):
    """It leaves out folders without files."""

    def alter(self, folder: Path) -> None:
        for path in sorted(folder.rglob("*"), reverse=True):
            if path.is_dir() and not any(path.iterdir()) and path.name != "config":
                path.rmdir()


@mutant("SUB-UNICODE-01", release="2.9")
class PlainNames(Copies):
    """It leaves out files whose name is not ASCII."""

    def alter(self, folder: Path) -> None:
        for path in self._files(folder):
            if not path.name.isascii():
                path.unlink()


@mutant("SUB-MANY-01", release="2.9")
class HundredFiles(Copies):
    """It leaves out what comes after the first hundred files."""

    def alter(self, folder: Path) -> None:
        for path in self._files(folder)[100:]:
            if path.name.startswith("file-"):
                path.unlink()


@mutant("SUB-BIG-01", release="2.9")
class TwoPiecesAtMost(Copies):
    """It leaves out what comes after the first two MiB of a file."""

    def alter(self, folder: Path) -> None:
        for path in self._files(folder):
            if path.stat().st_size > 2 * 1024 * 1024:
                path.write_bytes(path.read_bytes()[: 2 * 1024 * 1024])


@mutant("SUB-LINK-01")
class NoLinks(Copies):
    """It leaves out links."""

    def alter(self, folder: Path) -> None:
        for path in folder.rglob("*"):
            if path.is_symlink():
                path.unlink()


@mutant("REJ-NAME-01", release="2.9")
class AnyFolderName(Wrong):
    """It gives a job folder another name where its own may not be."""

    def submit_job(self, job_definition_path: str, **options: Any) -> Any:
        try:
            return self._session.submit_job(job_definition_path, **options)
        except client().InvalidJobDefinition as problem:
            if "job folder name" not in str(problem):
                raise
        with tempfile.TemporaryDirectory() as parent:
            return self._session.submit_job(str(shutil.copytree(job_definition_path, Path(parent) / "renamed")))


@mutant(
    "SUB-OK-01",
    also={
        "SUB-NAME-01": COUNTS,
        "ARG-PLACE-01": COUNTS,
        "CLONE-*": COUNTS,
        "LIST-*": "it lists jobs that it submitted, and there are more",
        "DELETE-ONE-01": COUNTS,
        "ROLE-VIEW-01": "it lists the jobs of a server",
        "LIFE-QUEUE-01": "the first of two submissions takes the place of the other",
        "SYS-*": "it looks at the jobs that run, and there are more",
        "ROBUST-SUBMIT-06": "the jobs of a server",
    },
)
class SubmitsTwice(Wrong):
    """It submits a job twice."""

    def submit_job(self, job_definition_path: str) -> Any:
        self._session.submit_job(job_definition_path)
        return self._session.submit_job(job_definition_path)


@mutant("SUB-SLASH-01", release="2.9")
class NoSlashAtTheEnd(Wrong):
    """It finds no job folder by a path that ends with a slash."""

    def submit_job(self, job_definition_path: str, **options: Any) -> Any:
        if isinstance(job_definition_path, str) and job_definition_path.endswith("/"):
            raise client().InvalidJobDefinition(f"{job_definition_path} is not a valid folder")
        return self._session.submit_job(job_definition_path, **options)


@mutant("SUB-UPLOAD-01", release="2.9")
class AbsolutePathsAlone(Wrong):
    """It finds no job folder by a relative path."""

    def submit_job(self, job_definition_path: str, **options: Any) -> Any:
        if isinstance(job_definition_path, str) and not job_definition_path.startswith("/"):
            raise client().InvalidJobDefinition(f"{job_definition_path} is not a valid folder")
        return self._session.submit_job(job_definition_path, **options)


@mutant("SUB-ARG-01", release="2.9")
class WrongPathIsATypeError(Wrong):
    """It raises TypeError where the path is no text."""

    def submit_job(self, job_definition_path: str, **options: Any) -> Any:
        if job_definition_path is not None and not isinstance(job_definition_path, str):
            raise TypeError(f"job_definition_path must be str but got {type(job_definition_path)}")
        return self._session.submit_job(job_definition_path, **options)


@mutant("SUB-REJECT-01", release="2.9", also={"REJ-*": "it submits a definition that is refused"})
class RefusedIsAnInternalError(Wrong):
    """It raises InternalError where the server refuses a definition."""

    def submit_job(self, job_definition_path: str, **options: Any) -> Any:
        try:
            return self._session.submit_job(job_definition_path, **options)
        except client().InvalidJobDefinition as problem:
            if "invalid job definition" in str(problem):
                raise client().InternalError(str(problem)) from problem
            raise


@mutant(
    "SUB-TWICE-01",
    release="2.9",
    also={"ABORT-ONE-01": "it submits a folder twice", "DELETE-ONE-01": "it submits a folder twice"},
)
class SubmitsAFolderOnce(Wrong):
    """It gives the job of the last submission again where the folder is the same."""

    last: tuple[Any, Any] = (None, None)

    def submit_job(self, job_definition_path: str, **options: Any) -> Any:
        if options or self.last[0] != job_definition_path:
            self.last = (job_definition_path, self._session.submit_job(job_definition_path, **options))
        return self.last[1]


@mutant("SUB-ROLE-01", release="2.9")
class UnauthorisedIsInvalid(Wrong):
    """It raises InvalidJobDefinition where an org admin may not submit."""

    def submit_job(self, job_definition_path: str, **options: Any) -> Any:
        try:
            return self._session.submit_job(job_definition_path, **options)
        except client().AuthorizationError as problem:
            if self._session.username.startswith("org_admin@"):
                raise client().InvalidJobDefinition(str(problem)) from problem
            raise


class Silent(Wrong):
    """Does not say why a definition was refused, where the reason holds one of some words."""

    words: tuple[str, ...] = ()

    def submit_job(self, job_definition_path: str, **options: Any) -> Any:
        try:
            return self._session.submit_job(job_definition_path, **options)
        except (client().InvalidJobDefinition, client().InternalError) as problem:
            if any(word in str(problem) for word in self.words):
                raise type(problem)("the job was refused") from None
            raise


@mutant("REJ-META-01", release="2.9")
class SilentAboutMeta(Silent):
    """It does not say that the meta is missing."""

    words = ("not existing for job",)


@mutant("REJ-META-02", release="2.3", also={"REJ-APP-01": "the reason has the same words"})
class SilentAboutLegacy(Silent):
    """It does not say that there is no such app."""

    words = ("in deploy_map doesn't exist",)


@mutant("REJ-EMPTY-01", release="2.9")
class NoEmptyFolder(Wrong):
    """It raises ValueError for an empty folder."""

    def submit_job(self, job_definition_path: str, **options: Any) -> Any:
        if isinstance(job_definition_path, str) and job_definition_path:
            folder = Path(job_definition_path)
            if folder.is_dir() and not any(folder.iterdir()):
                raise ValueError("the folder is empty")
        return self._session.submit_job(job_definition_path, **options)


@mutant("REJ-JSON-01", release="2.9")
class SilentAboutJson(Silent):
    """It does not say what is wrong in a meta that is no JSON."""

    words = ("Expecting value",)


@mutant("REJ-JSON-02", release="2.3")
class SilentAboutJsonOfOld(Silent):
    """It does not say what is wrong in a meta that is no JSON."""

    words = ("Expecting value",)


@mutant("REJ-MAP-01", release="2.9")
class SilentAboutMaps(Silent):
    """It does not say that nothing is deployed."""

    words = ("deploy_map is empty", "No site is specified")


@mutant("REJ-MAP-02", release="2.9")
class SilentAboutForms(Silent):
    """It does not say that a deploy map has the wrong form."""

    words = ("must be a dictionary", "invalid job app name")


@mutant("REJ-SITES-01", release="2.9")
class SilentAboutSites(Silent):
    """It does not say which sites do not go together."""

    words = ("No other site", "Missing server site", "Multiple apps")


@mutant("REJ-APP-01", release="2.9")
class SilentAboutApps(Silent):
    """It does not say which app is missing."""

    words = ("in deploy_map doesn't exist",)


@mutant("REJ-CONFIG-01", release="2.9")
class SilentAboutConfigurations(Silent):
    """It does not say which configuration is missing."""

    words = ("config is missing",)


@mutant("REJ-MIN-01", release="2.9")
class SilentAboutNumbers(Silent):
    """It does not say what is wrong with min_clients."""

    words = ("must be positive", "must be less than", "not convert to Int", "clients required")


@mutant("REJ-RES-01", release="2.9")
class SilentAboutResources(Silent):
    """It does not say what is wrong with resources."""

    words = ("resource_spec", "resource spec")


@mutant("REJ-MAND-01", release="2.9")
class SilentAboutMandatoryClients(Silent):
    """It does not say which mandatory client is not deployed."""

    words = ("Mandatory clients",)


@mutant("REJ-LAUNCH-01", release="2.9")
class SilentAboutLaunchers(Silent):
    """It does not say what is wrong with a launcher."""

    words = ("launcher_spec",)
