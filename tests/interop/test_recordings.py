"""Official servers are recorded, and the mock satisfies the recordings.

``WRITE_RECORDINGS=1`` writes those of docs/examples anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conformance.lab.provisioning import ADMIN
from conformance.lab.server import OfficialServer
from conformance.recordings import checking, document, recorder

pytestmark = pytest.mark.servers

_EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "recordings"
_COMMAND = f"flare-conformance record --server kit:… --user {ADMIN} --jobs --newest 20"


@pytest.mark.parametrize("version", ["2.6.3", "2.9.0"])
def test_the_mock_satisfies_a_recording_of_an_official_server(version: str, tmp_path: Path) -> None:
    with OfficialServer(version) as server:
        recorded = recorder.record(recorder.Wish(server.kit(ADMIN), ADMIN, _COMMAND, own_jobs=True))
        again = recorder.record(recorder.Wish(server.kit(ADMIN), ADMIN, _COMMAND))
    folder = _EXAMPLES / recorded.recording.made.release if os.environ.get("WRITE_RECORDINGS") else tmp_path / "with"
    document.write(folder, recorded.recording, recorded.scenario)
    document.write(tmp_path / "without", again.recording, again.scenario)
    assert recorded.recording.complete
    assert recorded.left == ()
    assert [str(one) for one in checking.check(folder).differences] == []
    assert [str(one) for one in checking.check(tmp_path / "without").differences] == []
    assert again.recording.transcript[0].returned == []  # the first one cleaned up behind itself
