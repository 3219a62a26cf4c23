"""What tests of the mock server share: keys, which take most of the time of a server's start."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mock_server.pki import Pki


@pytest.fixture(scope="session")
def _pki_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki") / "pki"
    pki = Pki("example_project", folder, host="127.0.0.1")
    for name, role in (("admin@nvidia.com", "project_admin"), ("lead@nvidia.com", "lead")):
        pki.issue_user(name, role=role)
    pki.close()
    return folder


@pytest.fixture
def workspace(_pki_folder: Path, tmp_path: Path) -> Callable[[], Path]:
    """Make workspaces whose certificates are there already, so that a server starts at once."""
    numbers = itertools.count()

    def make() -> Path:
        folder = tmp_path / f"workspace-{next(numbers)}"
        shutil.copytree(_pki_folder, folder / "pki")
        return folder

    return make
