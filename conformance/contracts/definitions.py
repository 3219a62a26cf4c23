"""What travels with a job definition: every file as it is, whatever its name, size and content."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

from conformance.contract import RELEASES, Document, Level, Observed, contract
from conformance.jobs import edit_meta
from conformance.trial import Trial
from conformance.verdicts import holds, same

_ALL = "2.3.12, 2.4.2, 2.5.2, 2.6.3, 2.7.3, 2.8.3, 2.9.0"
FROM_25 = RELEASES[2:]
TO_28 = RELEASES[:6]
MANY_FILES = 200
BIG_BYTES = 3 * 1024 * 1024 + 17
"""More than the pieces in which any release sends files, and no multiple of them."""


def _add(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _returned(trial: Trial, folder: Path) -> Path:
    """The definition as it comes back with the result of the job: in every release what the server stored."""
    job_id = trial.submit_folder(folder)
    trial.session.call("abort_job", job_id)
    location = trial.session.call("download_job_result", job_id)
    holds(isinstance(location, str) and Path(location).is_dir(), "the path of a folder", location)
    return Path(location) / "job" / folder.name


def _travels(trial: Trial, files: Mapping[str, bytes]) -> None:
    folder = trial.folder()
    _add(folder, files)
    back = _returned(trial, folder)
    for name, content in files.items():
        found = (back / name).read_bytes() if (back / name).is_file() else None
        holds(
            found == content,
            f"the {len(content):,} bytes of {name} to come back",
            "no such file" if found is None else f"{len(found):,} bytes, other ones",
        )


@contract(
    "SUB-BINARY-01",
    "Any bytes",
    "A file of a definition arrives byte for byte, whatever its bytes.",
    Document("submit.path"),
    Observed(_ALL, "the definition in the result of a job that was aborted before it ran"),
)
def binary(trial: Trial) -> None:
    lines = b"one\r\ntwo\rthree\n\n"
    _travels(
        trial, {"app/config/all.bin": bytes(range(256)) * 3, "app/config/ends": b"\x00\x03\x04", "app/lines": lines}
    )


@contract(
    "SUB-HIDDEN-01",
    "Hidden files",
    "Files whose name begins with a dot travel with the definition.",
    Document("submit.path"),
    Observed(_ALL, "every file of the folder"),
)
def hidden(trial: Trial) -> None:
    _travels(trial, {".top": b"1", "app/.hidden": b"2", "app/.folder/file": b"3"})


@contract(
    "SUB-EMPTY-01",
    "Empty files and folders",
    "Files without content and folders without files travel with the definition.",
    Document("submit.path"),
    Observed(_ALL, "a folder is an entry of the archive"),
    level=Level.SHOULD,
)
def empty(trial: Trial) -> None:
    folder = trial.folder()
    _add(folder, {"app/empty.txt": b""})
    (folder / "app" / "nothing" / "inside").mkdir(parents=True)
    back = _returned(trial, folder)
    holds((back / "app" / "empty.txt").is_file(), "the empty file to come back", "none")
    same((back / "app" / "empty.txt").stat().st_size, 0, "the size of the empty file")
    holds((back / "app" / "nothing" / "inside").is_dir(), "the empty folder to come back", "none")


@contract(
    "SUB-UNICODE-01",
    "File names of any language",
    "Files and folders inside a definition may have blanks and letters of any language in their names.",
    Document("submit.path"),
    Observed(_ALL, "names of an archive are UTF-8"),
)
def unicode_names(trial: Trial) -> None:
    _travels(trial, {"app/sub folder/ü ñ.txt": b"1", "app/数据/モデル.bin": b"2", "app/it's (1) & co.txt": b"3"})


@contract(
    "SUB-MANY-01",
    "Many files",
    f"A definition of {MANY_FILES} more files arrives whole.",
    Document("submit.path"),
    Observed(_ALL, "as any other"),
)
def many(trial: Trial) -> None:
    _travels(trial, {f"app/many/{n % 7}/file-{n}.txt": str(n).encode() for n in range(MANY_FILES)})


@contract(
    "SUB-BIG-01",
    "A large file",
    f"A file of {BIG_BYTES:,} bytes arrives byte for byte: pieces are put together in order.",
    Document("submit.path"),
    Observed(_ALL, "sent in one line, in blocks or in pieces of 1 MiB"),
)
def big(trial: Trial) -> None:
    _travels(trial, {"app/config/big.bin": random.Random(7).randbytes(BIG_BYTES)})  # noqa: S311 - filler, no secret


@contract(
    "SUB-LINK-01",
    "Links",
    "A link to a job folder is a job folder of the link's name, and a link to a file inside travels as the file.",
    Observed("2.3.12, 2.4.2, 2.6.3, 2.7.3, 2.8.3", "links are followed; 2.9.0 refuses to sign a folder with links"),
    releases=TO_28,
    level=Level.MAY,
)
def links(trial: Trial) -> None:
    folder = trial.folder()
    outside = folder.parent / "outside.txt"
    outside.write_text("elsewhere")
    (folder / "app" / "config" / "inside.txt").symlink_to(outside)
    link = folder.parent / f"{folder.name}-link"
    link.symlink_to(folder)
    back = _returned(trial, link)
    same(back.name, link.name, "the name of the folder")
    path = back / "app" / "config" / "inside.txt"
    same((path.is_symlink(), path.read_text() if path.is_file() else None), (False, "elsewhere"), "link and content")


@contract(
    "SUB-NAME-01",
    "A job name of any language",
    "The name in the meta may be any text: meta and list give it back, and name_prefix finds it.",
    Document("submit"),
    Document("list.name_prefix"),
    Observed(_ALL, "the folder's name is bound to the file system, the job's is not"),
)
def any_name(trial: Trial) -> None:
    folder = trial.folder()
    name = f"{folder.name}-Prüfung-数据"
    edit_meta(folder, name=name)
    job_id = trial.submit_folder(folder)
    same(trial.meta(job_id).get("name"), name, "the name in the meta")
    found = [(job["job_id"], job["job_name"]) for job in trial.session.call("list_jobs", name_prefix=name[:-1])]
    same(found, [(job_id, name)], "ids and names in the list")


@contract(
    "SUB-FORMS-01",
    "The name of the folder is not the name of the job",
    "job_folder_name is the name of the folder, name that of the meta; they need not agree.",
    Document("submit.path"),
    Observed(_ALL, "two keys of the meta"),
)
def two_names(trial: Trial) -> None:
    folder = trial.folder()
    edit_meta(folder, name=f"waiting-other-{folder.name}")
    meta = trial.meta(trial.submit_folder(folder))
    expected = (folder.name, f"waiting-other-{folder.name}")
    same((meta.get("job_folder_name"), meta.get("name")), expected, "job_folder_name and name")


@contract(
    "META-OWN-01",
    "Keys of one's own",
    "Keys of a definition's meta that the server does not know stay in the meta of the job, value and type.",
    Document("meta.returns"),
    Observed(_ALL, "copied as they are"),
    level=Level.SHOULD,
)
def own_keys(trial: Trial) -> None:
    own = {"ticket": "QA-17", "tags": ["a", 1, None, True], "deep": {"er": {"x": 1.5}}, "text": "ü 数"}
    folder = edit_meta(trial.folder(), **own)
    meta = trial.meta(trial.submit_folder(folder))
    same({key: meta.get(key) for key in own}, own, "the keys of one's own")


@contract(
    "META-BYOC-01",
    "Code that is brought along",
    "The meta of a job with a folder custom in an app has byoc true; that of another job has none.",
    Observed("2.5.2, 2.6.3, 2.7.3, 2.8.3, 2.9.0", "byoc is derived from the archive"),
    releases=FROM_25,
    level=Level.SHOULD,
)
def brings_code(trial: Trial) -> None:
    folder = trial.folder()
    _add(folder, {"app/custom/trainer.py": b"x = 1\n"})
    same(trial.meta(trial.submit_folder(folder)).get("byoc"), True, "byoc of a job with code")
    same(trial.meta(trial.submit()).get("byoc"), None, "byoc of a job without code")


@contract(
    "META-FORMAT-01",
    "How the job is stored",
    "The meta names the format in which the server stores the job.",
    Observed("2.5.2, 2.6.3, 2.7.3, 2.8.3, 2.9.0", "data_storage_format 2; 2.3 and 2.4 have no such key"),
    releases=FROM_25,
    level=Level.MAY,
)
def storage_format(trial: Trial) -> None:
    same(trial.meta(trial.submit()).get("data_storage_format"), 2, "the data_storage_format")
