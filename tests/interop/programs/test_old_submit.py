"""``nvflare job submit`` of 2.4-2.7, which finds the kit by ``NVFLARE_STARTUP_KIT_DIR``.

The name of the user it takes from ``fed_admin.json``. To 2.6 only kits of the proof-of-concept mode have it there.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mock_server import MockServer
from tests.interop.programs.official import Done, Official
from tests.support import write_job

USER = "admin@nvidia.com"
LIGHT = ("2.6.3", "2.7.3")
VERSIONS = [
    pytest.param(version, marks=() if version in LIGHT else (pytest.mark.programs,))
    for version in ("2.4.2", "2.5.2", "2.6.3", "2.7.3")
]
NAMELESS = [param for param in VERSIONS if param.values[0] != "2.7.3"]


def name_user(kit: Path) -> None:
    """Have the kit name its user, as those of the proof-of-concept mode do."""
    file = kit / "startup" / "fed_admin.json"
    config = json.loads(file.read_text())
    config["admin"] |= {"username": USER, "cred_type": "local_cert"}
    file.write_text(json.dumps(config))


def submit(version: str, kit: Path, job: Path, tmp_path: Path) -> Done:
    official = Official(version, tmp_path / "home")
    return official.run("nvflare", "job", "submit", "-j", str(job), NVFLARE_STARTUP_KIT_DIR=str(kit))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_job_is_submitted(version: str, tmp_path: Path) -> None:
    with MockServer(version) as server:
        kit = server.kit(USER)
        if version != "2.7.3":
            name_user(kit)
        done = submit(version, kit, write_job(tmp_path, "hello"), tmp_path)

        (meta,) = server.job_metas()
        assert done.code == 0, done
        assert f"job: '{meta['job_id']} was submitted" in done.out
        assert (meta["name"], meta["submitter_name"]) == ("hello", USER)
        server.calls.require_once("submit_job", user=USER)


@pytest.mark.parametrize("version", NAMELESS)
def test_a_kit_that_names_nobody(version: str, tmp_path: Path) -> None:
    """As official provisioning writes it, and so do we."""
    with MockServer(version) as server:
        done = submit(version, server.kit(USER), write_job(tmp_path, "hello"), tmp_path)
        assert "Unable to handle command: job due to: username must be str" in done.out
        assert done.code == (1 if version == "2.6.3" else 0), done
        server.calls.require_none("submit_job")
