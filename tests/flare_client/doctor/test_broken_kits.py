"""The doctor on every kit that is broken on purpose: it finds what is wrong, and finds nothing where nothing is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from flare_client.doctor import Report, Verdict, examine
from mock_server import MockServer
from mock_server.broken_kits import BROKEN_KITS

ADMIN = "admin@nvidia.com"
RELEASES = ("2.6", "2.7", "2.9")
"""One of the socket dialect, one whose clients demand signatures, the newest."""

ERRORS: dict[str, str] = {
    "missing-folder": "folders",
    "missing-config": "admin-kit",
    "missing-file": "files",
    "missing-key": "files",
    "missing-root": "files",
    "unreadable-json": "json",
    "missing-field": "fields",
    "missing-address": "fields",
    "unknown-scheme": "fields",
    "expired": "dates",
    "not-yet-valid": "dates",
    "wrong-cn": "name",
    "wrong-ca": "server",
    "foreign-certificate": "issuer",
    "foreign-root": "issuer",
    "wrong-key": "key",
    "unreadable-certificate": "certificate",
    "wrong-role": "login",
    "no-role": "role",
    "wrong-port": "port",
    "unresolvable-host": "host",
    "insecure-mixed": "tls",
    "wrong-scheme": "login",
    "wrong-server": "identity",
    "wrong-project": "login",
    "edited-signed-file": "signatures",
}
"""Which check says that a kit is wrong."""
WARNINGS = {"unsigned": "release"}
"""Which one says that it works, and not with every client."""

ALSO = {"signatures", "server"}
"""What may be wrong, too: an exchanged file is not the one that was signed, a foreign root not that of the server."""
REFUSED = {"edited-signed-file": {"2.7", "2.9"}}
"""Where the login fails, too: to 2.6 clients do not look at signatures."""

CASES = [
    pytest.param(release, name, id=f"{release}-{name}")
    for release in RELEASES
    for name, kit in BROKEN_KITS.items()
    if kit.fits(release)
]


def names(report: Report, verdict: Verdict) -> set[str]:
    return {finding.check for finding in report.of(verdict)}


def test_every_broken_kit_has_its_check() -> None:
    assert {**ERRORS, **WARNINGS}.keys() == BROKEN_KITS.keys()


@pytest.mark.parametrize("release", ["2.3", *RELEASES])
def test_nothing_is_wrong_with_a_right_kit(servers: Callable[[str], MockServer], release: str) -> None:
    report = examine(servers(release).kit(ADMIN))
    assert report.exit_code == 0
    assert not names(report, Verdict.ERROR) | names(report, Verdict.WARNING)
    login = next(one for one in report.findings if one.check == "login").outcome
    assert (login.verdict, release in login.text) == (Verdict.OK, True)


@pytest.mark.parametrize(("release", "name"), CASES)
def test_what_is_wrong_is_found(servers: Callable[[str], MockServer], tmp_path: Path, release: str, name: str) -> None:
    kit = servers(release).kit(ADMIN, directory=tmp_path, broken=name)
    report = examine(kit, user=ADMIN, timeout=3.0)
    errors = names(report, Verdict.ERROR)
    if name in WARNINGS:
        assert (errors, names(report, Verdict.WARNING), report.exit_code) == (set(), {WARNINGS[name]}, 0)
        return
    assert ERRORS[name] in errors
    assert errors - ALSO == {ERRORS[name]} - ALSO | ({"login"} if release in REFUSED.get(name, ()) else set())
    assert report.exit_code == 1
    for finding in report.of(Verdict.ERROR):
        assert finding.outcome.remedy, "an error says what to do"
