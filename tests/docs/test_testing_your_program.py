"""The guide for authors of programs, and the project that it shows: both run, and notice what is wrong."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import write_job

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "testing-your-program.md"
PROJECT = ROOT / "docs" / "examples" / "pytest-project"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
_SECONDS = 240


def suite(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:timeout", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return shutil.copytree(PROJECT, tmp_path / "project", ignore=shutil.ignore_patterns("__pycache__"))


@pytest.mark.timeout(300)
def test_the_blocks_of_the_guide_are_tests_that_pass(tmp_path: Path) -> None:
    write_job(tmp_path / "jobs")
    for number, block in enumerate(BLOCKS):
        (tmp_path / f"test_block_{number}.py").write_text(block)
    done = suite(tmp_path, "--strict-markers")
    assert done.returncode == 0, done.stdout
    for number in range(len(BLOCKS)):
        assert f"test_block_{number}.py ." in done.stdout  # it has a test, and that ran
    assert len(BLOCKS) >= 6


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\((?!http)([^)#]+)", GUIDE.read_text()):
        assert (GUIDE.parent / link).exists(), link


@pytest.mark.timeout(300)
def test_the_tests_of_the_project_pass(project: Path) -> None:
    done = suite(project)
    assert done.returncode == 0, done.stdout


BUGS = {
    "forgets to abort": ("session.abort_job(job_id)", "pass", "test_a_job_that_takes_too_long_is_aborted"),
    "takes a failure for an end": ('status != "FINISHED:COMPLETED"', "False", "test_nothing_is_fetched_of_a_job"),
    "hides the reason": ("except (NoConnection, ", "except (", "test_a_server_that_is_gone_is_no_traceback"),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("old", "new", "test"), BUGS.values(), ids=list(BUGS))
def test_the_tests_of_the_project_notice_a_bug(project: Path, old: str, new: str, test: str) -> None:
    [module] = [path for path in (project / "src").rglob("*.py") if old in path.read_text()]
    module.write_text(module.read_text().replace(old, new, 1))
    done = suite(project, "-o", "flare_releases=2.6", "-k", test)
    assert done.returncode == 1, done.stdout
    assert f"{test}" in done.stdout.partition("short test summary")[2]
