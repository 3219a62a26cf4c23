"""The forms that names must have on both sides: checked by clients before they send, by servers when they receive.

Source: official 2.8.3 and 2.9.0.
"""

from __future__ import annotations

import re

DEFAULT_STUDY = "default"
"""The study of who asks for none."""

_STUDY = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?")
_SUBMIT_TOKEN = re.compile(r"[A-Za-z0-9._:-]{1,128}")
JOB_NAME_RULE = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""What job folders and apps may be named, as refusals quote it."""
_JOB_FOLDER = re.compile(JOB_NAME_RULE.strip("^$"))

SUBMIT_TOKEN_RULE = (  # a sentence
    "submit_token must be non-empty, at most 128 characters, and match ^[A-Za-z0-9._:-]{1,128}$"  # noqa: S105
)
"""What both sides answer to one that breaks it."""


def is_study_name(name: str) -> bool:
    """Whether a study may have this name: up to 63 small letters, digits, ``_`` and ``-``, the last two not outside."""
    return _STUDY.fullmatch(name) is not None


def is_submit_token(token: object) -> bool:
    """Whether this may be a submit token: 1 to 128 letters, digits and ``._:-``."""
    return isinstance(token, str) and _SUBMIT_TOKEN.fullmatch(token) is not None


def is_job_folder_name(name: str) -> bool:
    """Whether a job folder may have this name: letters, digits and ``._-``, the first a letter or a digit."""
    return _JOB_FOLDER.fullmatch(name) is not None
