"""What arguments of methods must look like before anything is sent: targets, sites, options, files.

Source: the checks of official clients of 2.4.2-2.9.0, which raise ``SyntaxError`` for most of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from flare_client import errors
from flare_client.types import TargetType

_TARGET = re.compile(r"[A-Za-z0-9._-]*")
_OPTIONS = re.compile(r"[A-Za-z0-9- ]*")
_PATH = re.compile(r"[A-Za-z0-9\-._/]*")
_TEXT_FILES = (".txt", ".log", ".json", ".csv", ".sh", ".config", ".py")
TARGET_TYPES = (TargetType.ALL, TargetType.SERVER, TargetType.CLIENT)


def check_job_id(job_id: object, *, type_first: bool) -> None:
    """Check that this may be the id of a job.

    Args:
        job_id: what was given.
        type_first: whether ``None`` is told to be no text; otherwise it is missing.

    Raises:
        JobNotFound: it is missing, or no text.
    """
    if not isinstance(job_id, str) and (job_id or type_first):
        raise errors.JobNotFound(f"invalid job_id {job_id}")
    if not job_id:
        raise errors.JobNotFound("job_id is required but not specified.")


def check_target_type(target_type: object) -> None:
    """Check that this is a word for what a command addresses.

    Raises:
        ValueError: it is none.
    """
    if target_type not in TARGET_TYPES:
        raise ValueError(f"invalid target_type {target_type}: must be one of {', '.join(TARGET_TYPES)}")


def check_target(target: object) -> None:
    """Check that this may be the name of a machine.

    Raises:
        SyntaxError: it may not.
    """
    if not target:
        raise SyntaxError("target is required but not specified.")
    if not isinstance(target, str):
        raise SyntaxError(f"target must be str but got {type(target)}")
    if not _TARGET.fullmatch(target):
        raise SyntaxError(f"target must be letters, digits, dots, underscores and hyphens, but got {target!r}")


def checked_sites(names: Any) -> list[str]:
    """Check the names of sites.

    Raises:
        SyntaxError: they are no list, or one of them may not be the name of a site.
    """
    if not isinstance(names, list):
        raise SyntaxError(f"targets must be a list but got {type(names)}")
    for name in names:
        if not isinstance(name, str):
            raise SyntaxError(f"every target must be str, but got {name!r}")
        try:
            check_target(name)
        except SyntaxError as problem:
            raise SyntaxError(f"invalid target {name}: {problem}") from None
    return list(names)


def sites_of(target_type: object, names: Sequence[str] | None) -> list[str]:
    """The sites that words name after the type of the target: only ``client`` takes some.

    Raises:
        ValueError: the type is none.
        SyntaxError: the names are no names of sites.
    """
    check_target_type(target_type)
    return checked_sites(names) if target_type == TargetType.CLIENT and names else []


def check_options(options: object) -> None:
    """Check the options of a shell command.

    Raises:
        SyntaxError: they are no text, or hold what no option does.
    """
    if not isinstance(options, str):
        raise SyntaxError(f"options must be str but got {type(options)}")
    if not _OPTIONS.fullmatch(options):
        raise SyntaxError(f"options must be letters, digits, hyphens and blanks, but got {options!r}")


def check_path(path: object) -> None:
    """Check the path of a file or a folder of a machine.

    Raises:
        SyntaxError: it is no text, absolute, leads upwards, or holds what no path may.
    """
    if not isinstance(path, str):
        raise SyntaxError(f"path must be str but got {type(path)}")
    if not _PATH.fullmatch(path):
        raise SyntaxError(f"unsupported characters in path {path}")
    if path.startswith("/"):
        raise SyntaxError(f"absolute path is not allowed: {path}")
    if ".." in path.split("/"):
        raise SyntaxError(f".. in path name is not allowed: {path}")


def check_text_file(file: object) -> None:
    """Check the path of a file whose text is asked for.

    Raises:
        SyntaxError: it is no path, or its ending is none of a text file; a number after it does not count.
    """
    check_path(file)
    path = PurePosixPath(str(file))
    ending = path.with_suffix("").suffix if path.suffix[1:].isnumeric() else path.suffix
    if ending not in _TEXT_FILES:
        raise SyntaxError(f"expected a file that ends in {', '.join(_TEXT_FILES)}, but got {file}")
