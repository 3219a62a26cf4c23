"""Cells that say what a row of clients did, and the section that says how that was measured."""

from __future__ import annotations

from conformance.lab.cases.clients import OFFICIALS, OURS
from conformance.lab.cases.page import NOT_MEASURED, cell, measurements
from conformance.lab.cases.sightings import Measured, Sighting


def measured(outcome: str, date: str = "2026-11-29") -> Measured[Sighting]:
    return Measured(date, {"Python": "3.11.7", "Python of nvflare": "3.10"}, {"rain": Sighting(outcome)})


SIGHTINGS = {
    "2.3.12": measured("wet"),
    "2.4.2": measured("wet"),
    "2.6.3": measured("dry", "2026-11-30"),
    "2.9.0": measured("wet"),
    "flare_client on 2.7": measured("fog"),
}


def test_clients_in_a_row_that_did_the_same_stand_together() -> None:
    assert cell(OFFICIALS, SIGHTINGS, "rain", lambda seen: seen.outcome) == (
        "2.3.12–2.4.2: wet<br>2.6.3: dry<br>2.9.0: wet"
    )
    assert cell(OURS, SIGHTINGS, "rain", lambda seen: seen.outcome) == "2.7: fog"


def test_what_nobody_met_is_not_measured() -> None:
    assert cell(OFFICIALS, SIGHTINGS, "snow", lambda seen: seen.outcome) == NOT_MEASURED


def test_the_section_on_measuring_has_a_command_for_every_day() -> None:
    section = measurements("weather", SIGHTINGS)
    assert section.splitlines()[-4:] == [
        "| nvflare 2.3.12–2.4.2 | 2026-11-29 | `python -m weather 2.3.12 2.4.2` "
        "| Python 3.11.7, Python of nvflare 3.10 |",
        "| nvflare 2.6.3 | 2026-11-30 | `python -m weather 2.6.3` | Python 3.11.7, Python of nvflare 3.10 |",
        "| nvflare 2.9.0 | 2026-11-29 | `python -m weather 2.9.0` | Python 3.11.7, Python of nvflare 3.10 |",
        "| flare_client on 2.7 | 2026-11-29 | `python -m weather flare_client` "
        "| Python 3.11.7, Python of nvflare 3.10 |",
    ]
