"""``nvflare preflight-check`` of official releases on an admin kit of a mock server."""

from __future__ import annotations

from pathlib import Path

import pytest

from mock_server import MockServer
from tests.interop.programs.official import Done, Official

USER = "admin@nvidia.com"
SOCKET = "Check primary SP's socket server available"
GRPC = "Check primary SP's GRPC server available"
SERVER = "Check server available"
CLOSED_PORT = 1
"""That of a service that machines of today do not have."""
SOCKET_CHECKS = [
    "Check overseer running",
    "Check service provider list available",
    SOCKET,
    GRPC,
    "Check non-primary SP's socket server available",
    "Check non-primary SP's GRPC server available",
    "Check dry run",
]
CELL_CHECKS = [SERVER, "Check dry run"]
LIGHT = ("2.6.3", "2.9.0")


def _cases() -> list[object]:
    cases: list[object] = []
    for version in ("2.3.12", "2.4.2", "2.5.2", "2.6.3"):
        marks = () if version in LIGHT else (pytest.mark.programs,)
        cases.append(pytest.param(version, None, SOCKET_CHECKS, marks=marks, id=version))
    for version in ("2.7.3", "2.8.3", "2.9.0"):
        for scheme in ("http", "tcp", "grpc"):
            marks = () if (version, scheme) == ("2.9.0", "http") else (pytest.mark.programs,)
            cases.append(pytest.param(version, scheme, CELL_CHECKS, marks=marks, id=f"{version}-{scheme}"))
    return cases


def preflight(version: str, kit: Path, tmp_path: Path) -> Done:
    official = Official(version, tmp_path / "home")
    word = "preflight_check" if version < "2.8" else "preflight-check"
    return official.run("nvflare", word, "-p", str(kit))


def findings(done: Done) -> dict[str, str]:
    """What the table says of each check; what does not fit into a line goes on in the next one."""
    found: dict[str, str] = {}
    last = ""
    for line in done.out.splitlines():
        name, *cells = [cell.strip() for cell in line.split(" | ")]
        if not cells or not name.startswith("|") or name == "| Checks":
            continue
        last = name.removeprefix("|").strip() or last
        found[last] = found.get(last, "") + cells[0]
    return found


def failures(done: Done) -> dict[str, str]:
    """The checks that were not passed, and what is said of them."""
    return {name: text for name, text in findings(done).items() if text != "PASSED"}


@pytest.mark.parametrize(("version", "scheme", "checks"), _cases())
def test_a_kit_of_a_server_that_is_up(version: str, scheme: str | None, checks: list[str], tmp_path: Path) -> None:
    with MockServer(version, scheme=scheme) as server:
        done = preflight(version, server.kit(USER), tmp_path)

        assert findings(done) == dict.fromkeys(checks, "PASSED"), done
        assert done.code == 0, done
        # The dry run is a session of the console that ends at once.
        logins = server.calls.of("_cert_login", USER)
        assert logins, server.calls
        assert not any(call.is_refused for call in logins)


@pytest.mark.parametrize("version", LIGHT)
def test_a_kit_of_a_server_that_is_down(version: str, tmp_path: Path) -> None:
    with MockServer(version) as server:
        kit = server.kit(USER, directory=tmp_path)
    done = preflight(version, kit, tmp_path)
    failed = failures(done)
    assert list(failed) == [SOCKET if version < "2.7" else SERVER], done
    assert all(text.startswith("Can't connect to ") for text in failed.values()), done
    assert done.code == (0 if version < "2.8" else 1), done


@pytest.mark.parametrize("version", [pytest.param("2.3.12", marks=pytest.mark.programs), "2.6.3"])
def test_a_kit_that_names_another_fl_port(version: str, tmp_path: Path) -> None:
    """The admin port is right, and nobody listens where sites would connect: preflight looks there, too."""
    with MockServer(version) as server:
        kit = server.kit(USER)
        file = kit / "startup" / "fed_admin.json"
        text = file.read_text()
        assert f":{server.port}:{server.admin_port}" in text
        file.write_text(text.replace(f":{server.port}:", f":{CLOSED_PORT}:"))
        failed = failures(preflight(version, kit, tmp_path))
        text = f"Can't connect to primary service provider's grpc server ({server.host}:{CLOSED_PORT})"
        assert failed == {GRPC: text}


BROKEN = {
    "2.6.3": {
        "expired": (SOCKET, "Can't connect to "),
        "wrong-ca": (SOCKET, "Can't connect to "),
        "wrong-key": (SOCKET, "Can't connect to "),
        "missing-file": (SOCKET, "Can't connect to "),
        "unreadable-json": ("Package Error", "Exception happens in checking: "),
        "missing-folder": ("Check dry run", "Can't start successfully: "),
        "wrong-cn": None,
    },
    "2.9.0": {
        "expired": None,
        "wrong-ca": None,
        "missing-file": None,
        "unreadable-json": ("Package Error", "Exception happens in checking: "),
        "missing-folder": ("Check dry run", "Can't start successfully: "),
        "wrong-port": (SERVER, "Can't connect to "),
    },
}
"""What preflight finds in a kit that is broken in one point, and which of them it passes though no admin can log in.

What follows the connection is the dry run, and a console that still tries to log in after 5 s counts as passed. From
2.8 on the connection is one without TLS, unless the scheme is gRPC: certificates are not looked at."""
LIGHT_KITS = {("2.6.3", "wrong-ca"), ("2.9.0", "wrong-port")}


@pytest.mark.parametrize(
    ("version", "name"),
    [
        pytest.param(version, name, marks=() if (version, name) in LIGHT_KITS else (pytest.mark.programs,))
        for version, kits in BROKEN.items()
        for name in kits
    ],
)
def test_a_broken_kit(version: str, name: str, tmp_path: Path) -> None:
    expected = BROKEN[version][name]
    with MockServer(version) as server:
        done = preflight(version, server.kit(USER, broken=name), tmp_path)
    failed = failures(done)
    assert list(failed) == ([] if expected is None else [expected[0]]), done
    assert all(expected is not None and text.startswith(expected[1]) for text in failed.values()), done
    assert done.code == (1 if failed and version == "2.9.0" else 0), done


@pytest.mark.parametrize("name", ["expired", "wrong-ca"])
@pytest.mark.programs
def test_a_broken_kit_of_the_scheme_grpc(name: str, tmp_path: Path) -> None:
    with MockServer("2.9.0", scheme="grpc") as server:
        done = preflight("2.9.0", server.kit(USER, broken=name), tmp_path)
    assert list(failures(done)) == [SERVER], done
    assert done.code == 1, done
