"""The command, with a startup kit as users have it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from jobrunner.command import main

LEAD = {"user": "lead@nvidia.com", "role": "lead"}
MEMBER = {"user": "member@nvidia.com", "role": "member"}


@pytest.mark.flare_releases  # all of them
@pytest.mark.flare(**LEAD)
def test_a_job_completes(flare_kit: Path, job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [str(job), "--kit", str(flare_kit), "--user", "lead@nvidia.com", "--poll-interval", "0.02"]

    assert main(words) == 0

    *_, ended, result = capsys.readouterr().out.splitlines()
    assert "completed (FINISHED:COMPLETED)" in ended
    assert Path(result.removeprefix("result: ")).is_dir()


@pytest.mark.flare(**LEAD, scenario={"jobs": [{"queued": 0, "running": "2m"}]}, clock="x1000")
def test_minutes_are_over_in_a_moment(flare_kit: Path, job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # The command opens a session of its own, which waits on the machine's clock: the server's goes faster.
    words = [str(job), "--kit", str(flare_kit), "--user", "lead@nvidia.com", "--poll-interval", "0.02"]

    assert main(words) == 0
    assert "completed (FINISHED:COMPLETED)" in capsys.readouterr().out


@pytest.mark.flare(**MEMBER)
def test_a_user_without_the_right_is_told_so(flare_kit: Path, job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(job), "--kit", str(flare_kit), "--user", "member@nvidia.com"]) == 2
    assert "cannot run accuracy" in capsys.readouterr().err


def test_a_broken_job_is_refused_with_the_reason(
    flare_kit: Path, job: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = shutil.copytree(job, tmp_path / "broken")
    (broken / "meta.json").write_text('{"name": "broken", "deploy_map": {"no_such_app": ["@ALL"]}}')

    assert main([str(broken), "--kit", str(flare_kit), "--user", "admin@nvidia.com"]) == 2
    assert "cannot run broken" in capsys.readouterr().err


def test_a_server_that_is_gone_is_no_traceback(
    flare_server, flare_kit: Path, job: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flare_server.stop()

    assert main([str(job), "--kit", str(flare_kit), "--user", "admin@nvidia.com"]) == 2
    assert "cannot run accuracy" in capsys.readouterr().err
