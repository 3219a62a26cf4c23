"""Plays: golden pairs of scenario and timeline, the same each time, as text, as lines of JSON, as a picture."""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_server.play import play, read_work, usual_work
from mock_server.scenarios import Scenario, library
from mock_server.scenarios.gantt import MAX_ROWS, picture, time_text
from mock_server.scenarios.timeline import Moment, Timeline, spans

GOLDEN = Path(__file__).parent / "golden"
DOCS = Path(__file__).parents[3] / "docs"
PAIRS = sorted(GOLDEN.glob("*.yaml"))
_SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.stem)
def test_a_scenario_makes_the_timeline_beside_it(path: Path) -> None:
    """Set ``WRITE_GOLDEN=1`` to write them anew; then look at what has changed."""
    release = "2.6" if path.stem.endswith("-2.6") else "2.9"
    text = play(Scenario.load(path), release=release).text()
    expected = path.with_suffix(".txt")
    if os.environ.get("WRITE_GOLDEN"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


DELAYS = st.one_of(
    st.integers(0, 30),
    st.fixed_dictionaries(
        {
            "mean": st.integers(0, 30),
            "jitter": st.integers(0, 9),
            "distribution": st.sampled_from(["uniform", "normal"]),
        }
    ),
    st.fixed_dictionaries({"mean": st.integers(0, 30), "distribution": st.just("exponential")}),
)
WAYS = {
    "SUBMITTED": [None, "DISPATCHED", "FINISHED:FAILED_TO_RUN"],
    "DISPATCHED": [None, "RUNNING", "FINISHED:ABORTED"],
    "RUNNING": [None, "FINISHED:COMPLETED", "FINISHED:EXECUTION_EXCEPTION"],
    "FINISHED:COMPLETED": [None, "RUNNING"],
}
STAGES = st.sampled_from(sorted(WAYS)).flatmap(
    lambda origin: st.fixed_dictionaries(
        {
            "from": st.just(origin),
            "to": st.sampled_from(WAYS[origin]),
            "delay": DELAYS,
            "probability": st.sampled_from([0.0, 0.3, 0.7, 1.0]),
            "repeat": st.integers(1, 4),
        }
    )
)
WORK = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a", "b"]),
        "at": st.integers(0, 60),
        "count": st.integers(1, 4),
        "every": st.integers(0, 9),
    }
)
SCENARIOS = st.fixed_dictionaries(
    {
        "jobs": st.lists(st.fixed_dictionaries({"stages": st.lists(STAGES, max_size=5)}), min_size=1, max_size=2),
        "workload": st.lists(WORK, min_size=1, max_size=3),
        "seed": st.integers(0, 3),
        "limits": st.fixed_dictionaries({"max_jobs": st.integers(1, 3)}),
        "events": st.lists(
            st.fixed_dictionaries({"at": st.integers(0, 90), "happens": st.just("restart")}), max_size=2
        ),
    }
)


@settings(max_examples=40)
@given(SCENARIOS, st.sampled_from(["2.6", "2.9"]))
def test_the_same_scenario_always_plays_the_same(content: dict[str, Any], release: str) -> None:
    first, second = (play(Scenario.from_dict(content), release=release) for _ in range(2))
    assert first == second
    assert [moment.time for moment in first.moments] == sorted(moment.time for moment in first.moments)
    places = content["limits"]["max_jobs"]
    assert len(first.jobs()) == sum(work["count"] for work in content["workload"])
    if release == "2.6" and not any(stage["to"] == "RUNNING" for rule in content["jobs"] for stage in rule["stages"]):
        running: set[int] = set()
        for moment in first.moments:
            if moment.job is not None and moment.what == "RUNNING":
                running.add(moment.job)
            elif moment.job is not None and moment.what.startswith("FINISHED:"):
                running.discard(moment.job)
            assert len(running) <= places


def test_another_seed_plays_otherwise() -> None:
    realistic = library.ready("realistic")
    texts = {play(realistic.model_copy(update={"seed": seed})).text() for seed in range(5)}
    assert len(texts) == 5


def test_without_work_there_is_a_job_for_each_rule() -> None:
    globs = ["train-*", "*abort*", "exact", "[ab]x", "*", "*"]
    rules = Scenario.from_dict({"jobs": [{"match": {"name": glob}} for glob in globs]}).jobs
    assert [work.name for work in usual_work(rules)] == ["train-1", "abort", "exact", "ax", "job", "job-2"]
    assert [work.name for work in usual_work(())] == ["job"]


def test_work_is_read_as_it_is_written() -> None:
    assert [(w.name, w.count, w.at, w.every) for w in map(read_work, ["a", "a*3", "a@10s", "a*3@1m/5s"])] == [
        ("a", 1, 0, 0),
        ("a", 3, 0, 0),
        ("a", 1, 10, 0),
        ("a", 3, 60, 5),
    ]
    for wrong in ("", "a*x", "a@", "*3", "a@soon", "../a"):
        with pytest.raises(ValueError, match="expected"):
            read_work(wrong)


def test_a_play_ends_where_it_is_told_to() -> None:
    timeline = play(library.ready("long-training"), length=3 * 3600 + 60)
    assert (len([m for m in timeline.moments if m.what == "log"]), timeline.end) == (3, 3 * 3600 + 60)


def test_lines_of_json_have_all_of_it() -> None:
    timeline = play(library.ready("failing-site"))
    read = [Moment(**json.loads(line)) for line in timeline.jsonl().splitlines()]
    assert tuple(read) == timeline.moments


def test_a_picture_has_a_row_a_job_a_bar_a_status_and_a_line_an_event() -> None:
    scenario = Scenario.from_dict(
        {
            "workload": [{"name": "a", "count": 2}],
            "jobs": [{"running": "9s", "stages": None}],
            "sites": [{"name": "site-1", "leaves": "20s"}],
            "events": [{"at": "5s", "happens": "restart"}],
        }
    )
    timeline = play(scenario, release="2.6")
    root = ET.fromstring(picture(timeline, "a <title> & more"))  # noqa: S314 - our own
    titles = [node.findtext(f"{_SVG}title") for node in root.iter(f"{_SVG}rect")]
    assert [title for title in titles if title and title.startswith("a-1")] == [
        "a-1: SUBMITTED, 0 s to 100 ms",
        "a-1: DISPATCHED, 100 ms to 100 ms",
        "a-1: RUNNING, 100 ms to 5 s",
        "a-1: FINISHED:ABANDONED, 5 s to 20 s",
    ]
    assert "site-1 connected" in titles
    words = [node.text for node in root.iter(f"{_SVG}text")]
    assert {"a <title> & more", "a-1", "a-2", "site-1", "restart", "RUNNING"} <= set(words)


def test_a_picture_of_many_jobs_says_how_many_it_leaves_out() -> None:
    text = picture(play(library.ready("instant"), [read_work(f"x*{MAX_ROWS + 7}")]), "many")
    assert "and 7 more jobs" in text


def test_a_picture_of_nothing_is_a_picture() -> None:
    root = ET.fromstring(picture(Timeline((), 0.0), "nothing"))  # noqa: S314 - our own
    assert root.tag == f"{_SVG}svg"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.25, "250 ms"),
        (59, "59 s"),
        (60, "1 min"),
        (90, "1 min 30 s"),
        (3660, "1 h 1 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_times_are_told_in_their_largest_units(seconds: float, text: str) -> None:
    assert time_text(seconds) == text


def test_spans_lie_end_to_end() -> None:
    moments = [Moment(0, "a", "SUBMITTED", job=1), Moment(2, "a", "log", job=1), Moment(3, "a", "RUNNING", job=1)]
    assert [(span.status, span.begin, span.end) for span in spans(moments, 10)] == [
        ("SUBMITTED", 0, 3),
        ("RUNNING", 3, 10),
    ]


def test_the_picture_of_the_documents_is_what_is_drawn_now() -> None:
    """``flare-mock scenario run busy-cluster --svg docs/busy-cluster.svg`` draws it anew."""
    drawn = picture(play(library.ready("busy-cluster")), "busy-cluster, release 2.9")
    assert (DOCS / "busy-cluster.svg").read_text(encoding="utf-8") == drawn


@pytest.mark.parametrize("name", ["scenarios", "mock-server"])
def test_what_the_documents_show_is_in_order(name: str) -> None:
    blocks = re.findall(
        r"^```yaml\n(.*?)^```$", (DOCS / f"{name}.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    assert blocks
    for block in blocks:
        Scenario.parse(block, name)


def test_the_documents_name_every_ready_scenario() -> None:
    text = (DOCS / "scenarios.md").read_text(encoding="utf-8")
    assert [name for name in library.names() if f"| `{name}` |" not in text] == []
