"""What the model knows of a release: plain data, read off official software; nothing compares version numbers."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class ReleaseRules:
    """How answers of one release differ from those of another.

    Attributes:
        abort_says: whether ``abort_job`` returns what the server says; otherwise ``None``.
        delete_counts: whether ``delete_job`` returns a dict with the number of submit tokens; otherwise ``None``.
        download_needs_end: whether the result of a job that is not over is refused.
        renames_downloads: whether a second download of a job goes into a folder of its own.
        has_tokens: whether there are submit tokens.
        has_studies: whether jobs belong to a study.
        expired: the exception of a call on a session that the server ended.
        tells_expiry: whether the server tells the client, which takes a moment.
    """

    abort_says: bool
    delete_counts: bool
    download_needs_end: bool
    renames_downloads: bool
    has_tokens: bool
    has_studies: bool
    expired: str
    tells_expiry: bool


_R23 = ReleaseRules(
    abort_says=False,
    delete_counts=False,
    download_needs_end=False,
    renames_downloads=False,
    has_tokens=False,
    has_studies=False,
    expired="InternalError",
    tells_expiry=False,
)
_R24 = dataclasses.replace(_R23, renames_downloads=True)
_R27 = dataclasses.replace(_R24, abort_says=True, expired="SessionClosed", tells_expiry=True)
_R28 = dataclasses.replace(_R27, delete_counts=True, download_needs_end=True, has_tokens=True, has_studies=True)

RULES: dict[str, ReleaseRules] = {
    "2.3": _R23,
    "2.4": _R24,
    "2.5": _R24,
    "2.6": _R24,
    "2.7": _R27,
    "2.8": _R28,
    "2.9": _R28,
}
"""The rules of each release line."""
