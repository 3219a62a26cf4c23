"""Kits that are broken on purpose: each in one point, by its name; and what flare_client makes of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from conformance.lab.broken_kit_page import KitSighting
from conformance.lab.broken_kits import LAB, KitBench
from conformance.lab.cases.bench import RETURNED
from conformance.lab.cases.clients import OFFICIALS, ours
from mock_server import MockServer
from mock_server.broken_kits import BROKEN_KITS
from mock_server.cli import main, whereabouts_of

ADMIN = "admin@nvidia.com"
RELEASES = ("2.6", "2.7", "2.9")
SIGHTINGS = LAB.load()

EXPLAINED: dict[str, tuple[str, ...]] = {
    "expired": ("2.9",),
    "not-yet-valid": ("2.9",),
    "foreign-certificate": ("2.7", "2.8", "2.9"),
    "foreign-root": ("2.8", "2.9"),
    "unsigned": ("2.7",),
}
"""Where flare_client is not of the official class on purpose: the release lines by kit. ``docs/quirks.md`` says why."""

UNANSWERED = {"wrong-port", "unresolvable-host", "insecure-mixed", "wrong-scheme"}

OURS = [
    pytest.param(release, name, id=f"{release}-{name}")
    for release in RELEASES
    for name, kit in BROKEN_KITS.items()
    if kit.fits(release)
]


@pytest.fixture(scope="module")
def bench(request: pytest.FixtureRequest) -> Iterator[KitBench]:
    with KitBench(ours(request.param)) as made:
        yield made


@pytest.mark.parametrize(
    ("bench", "release", "name"), [(one.values[0], *one.values) for one in OURS], indirect=["bench"]
)
def test_flare_client_does_what_the_page_says(bench: KitBench, release: str, name: str) -> None:
    # Where nobody answers, it takes as long as it may; elsewhere a busy machine may take its time.
    seen = bench.run(BROKEN_KITS[name], 0.3 if name in UNANSWERED else 30.0)
    expected = SIGHTINGS[ours(release).name].cases[name]
    assert (seen.outcome, seen.then) == (expected.outcome, expected.then), seen.text
    official = SIGHTINGS[_version(release)].cases[name]
    if release in EXPLAINED.get(name, ()):
        assert not _is_alike(seen, official), "it is alike by now: explain it no more"
    else:
        assert _is_alike(seen, official), (seen, official)


def _version(release: str) -> str:
    return next(client.name for client in OFFICIALS if client.release == release)


def _is_alike(seen: KitSighting, official: KitSighting) -> bool:
    """Whether what flare_client raised is caught by what catches the official exception."""
    if official.outcome == RETURNED:
        return seen.outcome == RETURNED and (official.then in seen.types if official.then else not seen.types)
    return official.outcome in seen.types and seen.outcome != RETURNED


def test_names_that_nobody_knows_and_releases_that_cannot(tmp_path: Path) -> None:
    with MockServer("2.5") as server:
        with pytest.raises(ValueError, match=r"expected a way to break a kit of missing-folder, .*, but got 'tired'"):
            server.kit(broken="tired")
        with pytest.raises(
            ValueError, match=r"expected a kit of release 2\.6, 2\.7, 2\.8, 2\.9 .* but got one of 2\.5"
        ):
            server.kit(broken="edited-signed-file")


def test_kits_of_insecure_servers_are_not_broken() -> None:
    with MockServer("2.3", secure=False) as server, pytest.raises(ValueError, match="the kit of a secure server"):
        server.kit(broken="expired")


def test_a_broken_kit_leaves_the_right_one_alone() -> None:
    with MockServer("2.9") as server:
        right = server.kit(ADMIN)
        broken = server.kit(ADMIN, broken="expired")
        assert right != broken
        assert broken.name == right.name == ADMIN
        certificate = (right / "startup" / "client.crt").read_bytes()
        assert certificate != (broken / "startup" / "client.crt").read_bytes()
        assert server.kit(ADMIN) == right
        assert (right / "startup" / "client.crt").read_bytes() == certificate


# --- flare-mock kit ---------------------------------------------------------------------------------------------------


def run(*words: object) -> Any:
    return CliRunner().invoke(main, ["kit", *map(str, words)])


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """What `flare-mock serve` leaves in its workspace."""
    with MockServer("2.9", workspace=tmp_path) as server:
        whereabouts_of(server).write(tmp_path)
    return tmp_path


def test_a_kit_for_a_server_that_does_not_run(workspace: Path) -> None:
    result = run("--workspace", workspace, "--user", "me@nvidia.com:nvidia:lead")
    assert result.exit_code == 0, result.output
    kit = Path(result.output.strip())
    assert kit == workspace / "me@nvidia.com"
    assert (kit / "startup" / "client.crt").is_file()


def test_a_broken_kit_from_the_command_line(workspace: Path) -> None:
    result = run("--workspace", workspace, "--broken", "missing-file")
    assert result.exit_code == 0, result.output
    kit = Path(result.output.strip())
    assert kit == workspace / "broken" / "missing-file" / ADMIN
    assert (kit / "startup" / "client.key").is_file()
    assert not (kit / "startup" / "client.crt").exists()


def test_what_may_be_broken_is_listed() -> None:
    result = run("--list")
    assert result.exit_code == 0
    assert [row.split()[0] for row in result.output.splitlines()] == list(BROKEN_KITS)


def test_an_authority_that_is_gone_is_said(workspace: Path) -> None:
    shutil.rmtree(workspace / "pki")
    result = run("--workspace", workspace)
    assert result.exit_code == 2
    assert "expected the authority that `flare-mock serve` left" in result.output
    assert not (workspace / "pki").exists()


def test_a_workspace_without_a_server_is_said(tmp_path: Path) -> None:
    result = run("--workspace", tmp_path)
    assert result.exit_code == 2
    assert "which `flare-mock serve --workspace" in result.output
    (tmp_path / "mock.json").write_text('{"release": "1.0"}')
    assert "expected what `flare-mock serve` wrote" in run("--workspace", tmp_path).output
