"""The ready scenarios: all of them are in order, described, packaged, and do what they say."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

from mock_server.play import play, read_work
from mock_server.scenarios import Scenario, ScenarioError, library
from mock_server.scenarios.schema import FILE, scenario_schema, schema_text

NAMES = [
    "busy-cluster",
    "failing-site",
    "flaky-network",
    "huge-results",
    "instant",
    "long-training",
    "realistic",
    "rejects",
    "server-restart",
]


def test_they_are_all_there() -> None:
    assert library.names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_is_in_order_fits_the_schema_and_can_be_played(name: str) -> None:
    scenario = library.ready(name)
    assert scenario.description.endswith(".")
    jsonschema.validate(yaml.safe_load((library.FOLDER / f"{name}.yaml").read_text()), scenario_schema())
    timeline = play(scenario)
    assert timeline.moments
    assert play(scenario) == timeline


def test_the_published_schema_is_that_of_the_models() -> None:
    assert FILE.read_text(encoding="utf-8") == schema_text(), "run `make schema`"
    jsonschema.Draft202012Validator.check_schema(json.loads(schema_text()))


@pytest.mark.parametrize(
    "wrong", ["{jobs: [{quued: 1s}]}", "{jobs: [{stages: [{from: THERE}]}]}", "{events: [{at: 1s}]}", "{seed: x}"]
)
def test_the_schema_refuses_what_the_models_refuse(wrong: str) -> None:
    with pytest.raises(ScenarioError):
        Scenario.parse(wrong)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(wrong), scenario_schema())


def test_a_name_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(ScenarioError, match=r"one of busy-cluster, .*did you mean 'realistic'"):
        library.find("realistc")
    with pytest.raises(ScenarioError, match=r"expected a ready scenario of .*got 'none'"):
        library.ready("none")


def test_a_realistic_workspace_comes_after_the_end() -> None:
    moments = play(library.ready("realistic"), [read_work("a*20")]).moments
    for number in range(1, 21):
        of_job = [moment for moment in moments if moment.job == number]
        ends = [moment for moment in of_job if moment.what.startswith("FINISHED:")]
        saved = [moment for moment in of_job if moment.what == "workspace"]
        assert len(ends) == 1
        if ends[0].what == "FINISHED:COMPLETED":
            assert saved[0].time > ends[0].time
