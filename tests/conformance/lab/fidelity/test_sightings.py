"""What was seen of an official server comes back as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.lab.fidelity import sightings
from conformance.lab.fidelity.peer import Seen


def test_what_is_kept_comes_back_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sightings, "FOLDER", tmp_path / "sightings")
    seen = {
        "nothing": Seen(),
        "an empty text": Seen(""),
        "false": Seen(False),
        "empty": Seen([]),
        "more": Seen({"a": [1, None]}, printed="p", given=({"id": "<job>"},)),
        "raised": Seen(raised=("JobNotFound", "Exception"), text="no such job"),
    }
    sightings.save("2.6.3", seen)
    assert sightings.load("2.6.3") == seen
    assert list(sightings.load("2.6.3") or ()) == list(seen)


def test_a_version_that_was_never_seen_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sightings, "FOLDER", tmp_path)
    assert sightings.load("2.6.3") is None
