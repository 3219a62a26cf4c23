"""The pytest plugin: a mock server, a startup kit and a session as fixtures, settings as marks and ini options.

pytest imports this module at each start of every test suite in whose environment the package is: it imports nothing
but pytest, and what it needs for a fixture once a test asks for one.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mock_server.pytest_plugin.servers import Servers
    from mock_server.pytest_plugin.settings import Settings
    from mock_server.server import MockServer

_MARKS = (
    "flare(release, scheme, connection_security, secure, scenario, sites, clock, faults, pedantic, user, org, role, "
    "client, shared): the mock FLARE server, user and client of a test; the mark that is closest to the test counts, a "
    "keyword at a time",
    "flare_releases(*releases): run the test on each of these releases, as '2.6', or '2.9-tcp' with a scheme; without "
    "any on all of them",
)
_USED = pytest.StashKey["tuple[MockServer, int]"]()
"""The server of a test, and the number of the last entry of its transcript before the test."""
_CALLS = 20
"""Commands that a failure shows."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the ini options."""
    parser.addini("flare_releases", "releases for tests that name none, as `2.6 2.9-tcp`", type="args", default=[])
    parser.addini("flare_client", "client of flare_session: flare_client, official, or a module", default="")
    parser.addini("flare_scenario", "scenario file for tests that name no scenario", default="")
    parser.addini(
        "flare_shared", "one server for all tests of a release, reset between them", type="bool", default=False
    )
    parser.addini(
        "flare_transcript_lines", "entries of the transcript that the report of a failure shows", default="40"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks, and look at what no test would tell of before it fails."""
    for mark in _MARKS:
        config.addinivalue_line("markers", mark)
    lines = config.getini("flare_transcript_lines")
    if not (lines.isascii() and lines.isdigit()):
        raise pytest.UsageError(f"flare_transcript_lines: expected a number from 0 on, but got {lines!r}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on each release that its mark or the ini file names."""
    if "flare_release" not in metafunc.fixturenames:
        return
    from mock_server.pytest_plugin.settings import releases_of  # noqa: PLC0415 - see above

    releases = releases_of(metafunc.definition)
    if releases:
        metafunc.parametrize("flare_release", releases, indirect=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Show what the server saw where a test failed."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    used = item.stash.get(_USED, None)
    if used is None or not report.failed:
        return
    server, before = used
    if server.pedantry is not None:
        report.sections.append(("flare pedantic", f"seed {server.pedantry.seed}: pedantic={server.pedantry.seed}"))
    calls = [str(call) for call in server.calls]
    if calls:
        title = f"flare calls (the last {_CALLS} of {len(calls)})" if len(calls) > _CALLS else "flare calls"
        report.sections.append((title, "\n".join(calls[-_CALLS:])))
    wanted = int(item.config.getini("flare_transcript_lines"))
    last = server.transcript.last
    if wanted > 0 and last > before:
        text = server.transcript.as_text(since=max(before, last - wanted))
        cut = f" (the last {wanted} of {last - before} entries)" if last - before > wanted else ""
        report.sections.append((f"flare transcript{cut}", text))


@pytest.fixture(scope="session")
def _flare_servers() -> Iterator[Servers]:
    from mock_server.pytest_plugin.servers import Servers  # noqa: PLC0415 - see above

    servers = Servers()
    yield servers
    servers.close()


@pytest.fixture
def flare_release(request: pytest.FixtureRequest) -> str | None:
    """The release that a test runs on, as ``2.6`` or ``2.9-tcp``; ``None``: what its mark says, or the newest."""
    return getattr(request, "param", None)


@pytest.fixture
def _flare_settings(request: pytest.FixtureRequest, flare_release: str | None) -> Settings:
    from mock_server.pytest_plugin.settings import settings_of  # noqa: PLC0415 - see above

    return settings_of(request.node, flare_release)


@pytest.fixture
def flare_server(
    request: pytest.FixtureRequest, _flare_settings: Settings, _flare_servers: Servers
) -> Iterator[MockServer]:
    """A mock server, as the marks of the test say; its own, or a shared one that is as if just started."""
    with _flare_servers.lent(_flare_settings) as server:
        request.node.stash[_USED] = (server, server.transcript.last)
        yield server


@pytest.fixture
def flare_kit(_flare_settings: Settings, flare_server: MockServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The startup kit of the user of the test, by default the project admin ``admin@nvidia.com``.

    In a folder of its own: what another test has downloaded is not in it, and it is still there when the server is not.
    """
    from mock_server.pytest_plugin.clients import kit_of  # noqa: PLC0415 - see above

    return kit_of(_flare_settings, flare_server, tmp_path_factory.mktemp("flare-kit"))


@pytest.fixture
def flare_session(_flare_settings: Settings, flare_server: MockServer, flare_kit: Path) -> Iterator[Any]:
    """A session of the user of the test, by default of ``flare_client``; closed at the end.

    Where it can, it waits in the time of the server: ``monitor_job`` on a virtual clock takes no time.
    """
    from mock_server.pytest_plugin.clients import opened  # noqa: PLC0415 - see above

    with opened(_flare_settings, flare_server, flare_kit) as session:
        yield session
