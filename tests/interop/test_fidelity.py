"""The probe list of the fidelity lab: every official method is in it, and the mock does what official servers did."""

from __future__ import annotations

import pytest

from conformance.lab.fidelity import explanations, sightings
from conformance.lab.fidelity.comparison import Likeness, compare
from conformance.lab.fidelity.explanations import explanation_of
from conformance.lab.fidelity.probes import methods_of
from conformance.lab.fidelity.record import OUTCOME_FIGURE, VALUE_FIGURE, count
from conformance.lab.fidelity.runs import mock_stage, observe
from conformance.peers import PEERS
from flare_client.protocol.releases import profile_for
from tests.interop.test_signatures import official

CHAPTERS = ("empty", "machines", "lines", "listed", "waiting", "aborted", "tokens", "studies", "closed")
"""Those that take no job to run and no site to go."""
OF_ALL_CHAPTERS = "closed: get_available_apps_to_upload()"
"""Lists what every chapter before it left in the folder."""


@pytest.mark.parametrize("version", PEERS)
def test_every_official_method_has_a_probe(version: str) -> None:
    methods = set(official(version)["methods"]) - {"__init__"}
    assert methods <= set(methods_of(profile_for(version).release).values())


@pytest.mark.parametrize("version", ["2.6.3", "2.9.0"])
def test_the_mock_does_what_was_seen_of_the_official_server(version: str) -> None:
    release, known, seen = profile_for(version).release, explanations.load(), sightings.load(version)
    assert seen is not None
    with mock_stage(version) as stage:
        mock = dict(observe(stage, version, lambda _text: None, CHAPTERS))
    methods = {key: method for key, method in methods_of(release).items() if key in mock}
    methods.pop(OF_ALL_CHAPTERS)
    compared = compare(methods, seen, mock)
    assert [
        f"{one.key}: {one.likeness.name}\n  official: {one.official}\n  here:     {one.mock}"
        for one in compared
        if one.likeness is not Likeness.SAME_VALUE and explanation_of(release, one, known) is None
    ] == []
    total = count(compared, lambda _key: True)
    assert total.share(total.outcome) >= OUTCOME_FIGURE
    assert total.share(total.value) >= VALUE_FIGURE
