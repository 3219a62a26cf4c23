"""A lab measures case by case: what is no accident is kept, what changed is said, what is unsteady is not believed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner

from conformance.lab.cases.bench import Bench
from conformance.lab.cases.clients import LabClient, official, ours
from conformance.lab.cases.measuring import MOST_TRIES, CaseLab, command, measure
from conformance.lab.cases.sightings import Measured, Sighting, passing, save
from conformance.peers import PeerUnavailable


@dataclasses.dataclass(frozen=True)
class Weather:
    """A case."""

    name: str
    releases: tuple[str, ...] = ("2.3", "2.9")

    def fits(self, release: str) -> bool:
        return release in self.releases


@dataclasses.dataclass(frozen=True)
class Look(Sighting):
    """What is seen in it."""

    seconds: float = dataclasses.field(default=0.0, compare=False)
    struck: bool = passing(True)

    @property
    def came_about(self) -> bool:
        return self.struck


class Sky(Bench[Weather, Look]):
    """Shows what is to be seen, in turn, without any client."""

    course: ClassVar[dict[str, Iterator[Look]]] = {}

    def __init__(self, asked: LabClient) -> None:
        self._asked = asked

    def __enter__(self) -> Sky:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, case: Weather) -> Look:
        return next(self.course[f"{self._asked.name} {case.name}"])


NEW, OLD = ours("2.9"), official("2.3.12")
RAIN, SNOW = Weather("rain"), Weather("snow", ("2.9",))


@pytest.fixture
def lab(tmp_path: Path) -> CaseLab[Weather, Look]:
    """A lab of its own, with a page of one line a client."""
    return CaseLab(
        "weather",
        (OLD, NEW),
        (RAIN, SNOW),
        Sky,
        Look,
        lambda look: look.outcome,
        tmp_path / "record.json",
        tmp_path / "docs" / "page.md",
        lambda all_seen: "".join(f"{name}: {', '.join(one.cases)}\n" for name, one in all_seen.items()),
    )


@pytest.fixture(autouse=True)
def docs(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()


def show(monkeypatch: pytest.MonkeyPatch, **course: Sequence[Look]) -> None:
    """What flare_client on 2.9 is going to do, by case."""
    monkeypatch.setattr(Sky, "course", {f"{NEW.name} {case}": iter(looks) for case, looks in course.items()})


def keep(lab: CaseLab[Weather, Look], **cases: Look) -> None:
    """What was measured of flare_client on 2.9 before."""
    save(lab.record, {NEW.name: Measured("2026-01-01", {"Python": "3"}, cases)})


def run(lab: CaseLab[Weather, Look]) -> tuple[Mapping[str, Look], list[str], list[str]]:
    """Measure it: what is kept then, what was in vain, what was told."""
    told: list[str] = []
    troubles = measure(lab, ["flare_client"], told.append)
    return lab.load()[NEW.name].cases, troubles, told


def test_what_comes_as_it_was_kept_is_measured_once(
    lab: CaseLab[Weather, Look], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(lab, rain=Look("wet", 1.0), snow=Look("cold"))
    show(monkeypatch, rain=[Look("wet", 2.04)], snow=[Look("cold")])

    seen, troubles, told = run(lab)

    assert seen == {"rain": Look("wet"), "snow": Look("cold")}
    assert seen["rain"].seconds == 2.0
    assert (troubles, told) == ([], ["flare_client on 2.9 rain: wet", "flare_client on 2.9 snow: cold"])
    assert lab.load()[NEW.name].date > "2026-01-01"
    assert lab.page.read_text() == "flare_client on 2.9: rain, snow\n"


def test_what_is_new_is_seen_twice_and_what_changed_is_said(
    lab: CaseLab[Weather, Look], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(lab, rain=Look("wet"))
    show(monkeypatch, rain=[Look("dry"), Look("dry")], snow=[Look("cold"), Look("cold")])

    seen, troubles, told = run(lab)

    assert seen == {"rain": Look("dry"), "snow": Look("cold")}
    assert troubles == []
    assert told[0] == "flare_client on 2.9 rain: dry (again, to be sure)"
    assert told[1] == "flare_client on 2.9 rain: CHANGED from {'outcome': 'wet'} to {'outcome': 'dry'}"
    assert told[2:] == ["flare_client on 2.9 snow: cold (again, to be sure)", "flare_client on 2.9 snow: cold"]


def test_an_accident_changes_nothing(lab: CaseLab[Weather, Look], monkeypatch: pytest.MonkeyPatch) -> None:
    keep(lab, rain=Look("wet"), snow=Look("cold"))
    show(monkeypatch, rain=[Look("dry"), Look("wet")], snow=[Look("cold", struck=False), Look("cold")])

    seen, troubles, told = run(lab)

    assert seen == {"rain": Look("wet"), "snow": Look("cold")}
    assert troubles == []
    assert "flare_client on 2.9 snow: did not come about: cold" in told


def test_what_is_something_else_each_time_is_not_believed(
    lab: CaseLab[Weather, Look], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(lab, rain=Look("wet"))
    show(
        monkeypatch,
        rain=[Look(f"{number} drops") for number in range(MOST_TRIES)],
        snow=[Look("cold", struck=False)] * MOST_TRIES,
    )

    seen, troubles, _ = run(lab)

    assert seen == {}
    assert troubles == [
        "flare_client on 2.9 rain: expected the same twice in 4 tries, but the last was: 3 drops",
        "flare_client on 2.9 snow: expected the same twice in 4 tries, but the last was: cold",
    ]


def test_the_command_says_what_was_in_vain(lab: CaseLab[Weather, Look], monkeypatch: pytest.MonkeyPatch) -> None:
    show(monkeypatch, rain=map(Look, "abcd"), snow=[Look("cold")] * 2)

    done = CliRunner().invoke(command(lab), ["flare_client"])

    assert done.exit_code == 1
    assert "Error: flare_client on 2.9 rain: expected the same twice" in done.output
    assert lab.page.read_text() == "flare_client on 2.9: snow\n"


def test_few_cases_are_measured_again_on_the_day_of_all(
    lab: CaseLab[Weather, Look], monkeypatch: pytest.MonkeyPatch
) -> None:
    show(monkeypatch, rain=map(Look, "aabb"), snow=[Look("cold")] * 2)
    measure(lab, ["flare_client"], lambda _: None)
    measure(lab, ["flare_client"], lambda _: None, ["rain"])
    assert lab.load()[NEW.name].cases == {"rain": Look("b"), "snow": Look("cold")}


def test_few_cases_are_not_added_to_those_of_another_day(
    lab: CaseLab[Weather, Look], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(lab, rain=Look("wet"), snow=Look("cold"))
    show(monkeypatch, rain=[Look("wet")])
    done = CliRunner().invoke(command(lab), ["flare_client", "--case", "rain"])
    assert done.exit_code == 1
    assert "before some of them are measured again, but it was on 2026-01-01" in done.output


def test_clients_are_kept_beside_each_other_and_the_page_is_written_without_any(
    lab: CaseLab[Weather, Look], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(lab, rain=Look("wet"))
    monkeypatch.setattr(Sky, "course", {f"{OLD.name} rain": iter([Look("fog")] * 2)})

    measure(lab, [OLD.word], lambda _: None)
    before = lab.page.read_text()
    lab.page.unlink()
    measure(lab, [], lambda _: None)

    assert list(lab.load()) == [OLD.name, NEW.name]
    assert lab.page.read_text() == before == "2.3.12: rain\nflare_client on 2.9: rain\n"


def test_a_client_that_cannot_be_had(lab: CaseLab[Weather, Look], monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(*_: Any) -> None:
        raise PeerUnavailable("there is none here")

    monkeypatch.setattr(Sky, "__init__", unavailable)
    done = CliRunner().invoke(command(lab), ["2.3.12"])
    assert (done.exit_code, done.output) == (1, "Error: there is none here\n")
    assert not lab.record.exists()
