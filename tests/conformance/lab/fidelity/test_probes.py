"""The probe list: every method of every release is there, and every probe has a name of its own."""

from __future__ import annotations

import collections
import inspect

import pytest

from conformance.lab.fidelity.folders import CHECKED, DEFINITIONS, JOBS
from conformance.lab.fidelity.probe import Callback, Folder, Job, Kit, Line, NotMade, Probe, filled
from conformance.lab.fidelity.probes import CHAPTERS, chapters_of, methods_of, not_played
from conformance.lab.fidelity.probes.plain import PLAIN
from flare_client import Session
from flare_client.presence import EVERY_RELEASE, releases_of

METHODS = {name for name, _ in inspect.getmembers(Session, inspect.isfunction) if not name.startswith("_")}


def words(value: object) -> list[object]:
    """Every part of an argument."""
    if isinstance(value, (list, tuple)):
        return [part for item in value for part in words(item)]
    return words(value.words) if isinstance(value, Line) else [value]


@pytest.mark.parametrize("release", EVERY_RELEASE)
def test_every_method_of_a_release_has_a_probe(release: str) -> None:
    here = {name for name in METHODS if release in releases_of(getattr(Session, name))}
    assert here <= set(methods_of(release).values())


def test_plain_calls_are_there_for_every_method() -> None:
    assert set(PLAIN) == METHODS


@pytest.mark.parametrize("release", EVERY_RELEASE)
def test_every_probe_has_a_key_of_its_own(release: str) -> None:
    keys = collections.Counter(chapter.key(one) for chapter, probes in chapters_of(release) for one in probes)
    assert [key for key, count in keys.items() if count > 1] == []


def test_every_word_of_a_probe_stands_for_something_that_is_there() -> None:
    for chapter in CHAPTERS:
        known = {need.name for need in chapter.jobs}
        for one in chapter.probes:
            for word in words([*one.args, *one.kwargs.values()]):
                if isinstance(word, Job):
                    assert word.name in known, chapter.key(one)
                if isinstance(word, Folder):
                    assert word.name in DEFINITIONS, chapter.key(one)
            if one.makes:
                known.add(one.makes)


def test_every_user_of_a_probe_is_one_of_its_chapter() -> None:
    for chapter in CHAPTERS:
        for one in chapter.probes:
            assert one.user in ("", "admin", *chapter.users), chapter.key(one)


def test_every_definition_has_a_name_of_its_own() -> None:
    assert len(DEFINITIONS) == len(JOBS) + len(CHECKED)


def test_words_become_what_they_stand_for() -> None:
    ids = {"job": "abcdefgh-1"}

    def real(word: object) -> object:
        return word.real(ids) if isinstance(word, Job) else f"<{word!r}>"

    assert filled([Job("job"), {"a": Job("job", 4, upper=True)}], real) == ["abcdefgh-1", {"a": "ABCD"}]
    assert filled(Line(("get_job_meta", Job("job"))), real) == "get_job_meta abcdefgh-1"
    assert filled(("plain", 5, None), real) == ["plain", 5, None]
    assert filled(Folder("quick"), real) == "<folder('quick')>"
    assert filled(Kit("admin"), real) == "<kit('admin')>"
    assert filled(Callback("stop"), real) == "<callback('stop')>"
    with pytest.raises(NotMade):
        filled(Job("other"), real)


def test_a_call_reads_as_python() -> None:
    one = Probe("monitor_job", (Job("job"), 1, Callback("stop")), {"extra": "x"})
    assert one.call == "monitor_job(<job>, 1, callback('stop'), extra='x')"


def test_chapters_of_which_nothing_was_made_are_told() -> None:
    keys = list(methods_of("2.9"))
    assert not_played("2.9", keys) == {}
    without = [key for key in keys if not key.startswith("the system stops:")]
    assert not_played("2.9", without) == {"the system stops": frozenset({"the system stops: shutdown_system()"})}
