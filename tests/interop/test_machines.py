"""The model of the machines against official servers: where they differ, the model is wrong."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from conformance.adapters.base import ClientError, ClientSession
from conformance.adapters.inprocess import FLARE_CLIENT, InProcessAdapter
from conformance.lab.server import OfficialServer
from conformance.machines import scenes
from conformance.machines.calls import Program
from conformance.machines.model import Model
from conformance.machines.player import play
from conformance.machines.release import RULES
from conformance.machines.scenes import Scene
from conformance.machines.stage import Stage
from flare_client.protocol.releases import profile_for

SCENES: dict[str, Scene] = {
    "one admin": scenes.one_admin(everything=False),
    "lists": scenes.lists(everything=False),
    "all roles": scenes.all_roles(everything=False),
    "jobs that run": scenes.running_jobs(everything=False),
}
TOKENS = {"tokens": scenes.tokens(everything=False, alone=False)}
DRAWN = settings(
    max_examples=8,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""Programs are drawn and played once; what fails is told as it was."""
_REMOVE_SECONDS = 60.0
_PAUSE = 0.3


@pytest.fixture(scope="module", params=["2.6.3", "2.9.0"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """An official server with the users of the lab, and the reference client."""
    scratch, numbers = tmp_path_factory.mktemp("jobs"), itertools.count()
    with OfficialServer(request.param) as server, contextlib.closing(InProcessAdapter(FLARE_CLIENT)) as adapter:
        admin = adapter.open("admin@nvidia.com", server.kit(), timeout=15.0)
        yield Stage(
            adapter,
            profile_for(request.param).release,
            lambda user: server.kit(user.name),
            lambda: Path(scratch / str(next(numbers))),
            lambda ids: _remove(admin, ids),
            poll_interval=0.5,
            patience=_REMOVE_SECONDS,
        )


def _remove(admin: ClientSession, ids: list[str]) -> None:
    """Abort and delete jobs; what runs can be deleted once it has stopped."""
    for job_id in ids:
        deadline = time.monotonic() + _REMOVE_SECONDS
        while time.monotonic() < deadline:
            try:
                admin.call("abort_job", job_id)
                admin.call("delete_job", job_id)
            except ClientError as problem:
                if not problem.is_a("JobNotDone", "InternalError"):
                    break
                time.sleep(_PAUSE)  # nothing tells when a process has ended


@pytest.mark.servers
@pytest.mark.parametrize("name", [*SCENES, *TOKENS])
def test_an_official_server_answers_as_the_model_does(stage: Stage, name: str) -> None:
    if name in TOKENS and not RULES[stage.release].has_tokens:
        pytest.skip("there are no submit tokens in this release")
    scene = {**SCENES, **TOKENS}[name]
    model, failures = Model(RULES[stage.release], scene.users), []

    @seed(7)
    @DRAWN
    @given(scene.programs())
    def run(program: Program) -> None:
        failure = play(stage, model, tuple(enumerate(program)))
        if failure is not None:
            failures.append((failure.violation, failure.violation.script))

    run()
    assert failures == []
