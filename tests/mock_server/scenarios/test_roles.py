"""Users of roles that a policy defines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from flare_client import AuthorizationError, new_secure_session
from mock_server import MockServer
from tests.support import JobMaker

SCENARIO = {
    "users": [{"name": "owner@clinic.org", "org": "clinic", "role": "data_owner"}],
    "server": {
        "authorization": {
            "format_version": "1.0",
            "permissions": {"data_owner": {"view": "any", "abort_job": "any", "submit_job": "none"}},
        }
    },
}


@pytest.mark.parametrize("release", ["2.6", "2.9"])
def test_a_role_of_the_policy_has_the_rights_that_it_gives(
    release: str, workspace: Callable[[], Path], make_job: JobMaker
) -> None:
    with MockServer(release, scenario=SCENARIO, workspace=workspace()) as server:
        [user] = server.scenario.users
        with new_secure_session(user.name, str(server.kit(user.name, user.org, user.role))) as session:
            assert session.list_jobs() == []
            with pytest.raises(AuthorizationError, match="submit_job"):
                session.submit_job(str(make_job()))
