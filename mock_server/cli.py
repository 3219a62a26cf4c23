"""The command ``flare-mock``: a mock server of its own process."""

from __future__ import annotations

import gc
import json
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from flare_client.protocol.cellnet.kit import Scheme
from flare_client.protocol.releases import LATEST, PROFILES
from mock_server.control.settings import ControlSettings
from mock_server.ctl import ctl
from mock_server.errors import ServerError
from mock_server.guards import NOTICE
from mock_server.kit_command import kit as kit_command
from mock_server.pki import PkiError
from mock_server.scenario_commands import scenario as scenario_commands
from mock_server.scenarios import Scenario, ScenarioError, library
from mock_server.scenarios.system import ROLES, User
from mock_server.server import MockServer
from mock_server.transcript import Entry, as_line
from mock_server.user_option import UserType, check_role
from mock_server.whereabouts import Whereabouts

if TYPE_CHECKING:
    from mock_server.control.surface import Control

DEFAULT_USERS = (
    User(name="admin@nvidia.com", role="project_admin"),
    User(name="lead@nvidia.com", role="lead"),
    User(name="member@nvidia.com", role="member"),
    User(name="orgadmin@nvidia.com", role="org_admin"),
    User(name="lead@other.com", org="other", role="lead"),
)
"""Who gets a kit where nobody names users: every role, and one of another organisation."""


@click.group()
@click.version_option(package_name="flare-conformance")
def main() -> None:
    """A mock admin server for NVIDIA FLARE: real wire, simulated jobs. For tests only."""


main.add_command(scenario_commands)
main.add_command(ctl)
main.add_command(kit_command)


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """An event that SIGTERM and Ctrl-C set."""
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    previous = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _kits(server: MockServer, users: tuple[User, ...], workspace: Path) -> dict[str, Path]:
    if not server.secure:
        return {"admin": server.kit(directory=workspace)}
    return {user.name: server.kit(user.name, user.org, user.role, directory=workspace) for user in users}


@contextmanager
def _written(server: MockServer, path: Path | None) -> Iterator[None]:
    """Write the transcript to a file, entry by entry.

    Raises:
        OSError: the file cannot be written.
    """
    if path is None:
        yield
        return
    with path.open("w", encoding="utf-8") as file:

        def write(entry: Entry) -> None:
            file.write(as_line(entry))
            file.flush()

        end = server.transcript.follow(write)
        try:
            yield
        finally:
            end()


def whereabouts_of(server: MockServer) -> Whereabouts:
    """Where a running server is, for kits that are made later."""
    return Whereabouts(
        server.release,
        server.scheme.value if server.scheme is not None else "",
        server.security.value,
        server.host,
        server.port,
        server.admin_port,
        server.secure,
        server.pki.project if server.secure else "",
        str(server.server_kit.root.resolve()) if server.server_kit is not None else "",
        _roles(server),
    )


def _roles(server: MockServer) -> tuple[str, ...]:
    """The roles that users may have: the official ones, and those of the policies of server and sites."""
    policies = (server.policy, *server.scenario.site_policies().values())
    return tuple(dict.fromkeys((*ROLES, *(role for policy in policies for role in policy.roles))))


def _pedantic(word: str | None) -> int | bool | None:
    """What stood behind ``--pedantic``.

    Raises:
        ValueError: it is no seed.
    """
    if word is None or word == "true":
        return True if word else None
    if not word.isascii() or not word.isdigit():
        raise ValueError(f"expected --pedantic with a seed, a number from 0 on, or with nothing, but got {word!r}")
    return int(word)


def _settle() -> None:
    """Have the collector of garbage leave alone what lives as long as the process, and look less often at the rest.

    What a server keeps of each command for its transcript looks like garbage in the making: going through it again and
    again takes one part in twenty of the work.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


def _announce(server: MockServer, kits: dict[str, Path], control: Control | None, as_json: bool) -> None:
    if as_json:
        description = {
            "mock": True,
            "notice": NOTICE,
            "release": server.release,
            "host": server.host,
            "port": server.port,
            "admin_port": server.admin_port,
            "secure": server.secure,
            "pedantic": server.pedantry.seed if server.pedantry is not None else None,
            "kits": {name: str(path) for name, path in kits.items()},
        }
        if control is not None:
            description["control"] = {"url": control.url, "token": control.token, "page": control.page}
        click.echo(json.dumps(description))
    else:
        click.echo(f"MOCK server of release {server.release} on {server.host}:{server.admin_port}")
        click.echo(NOTICE)
        if server.pedantry is not None:
            click.echo(f"Pedantic, with seed {server.pedantry.seed}.")
        for name, path in kits.items():
            click.echo(f"  {name}: {path}")
        if server.server_kit is not None:
            click.echo(f"The admin kits of the project {server.pki.project} fit: {server.server_kit.root.parent}")
        if control is not None:
            click.echo(f"Control: {control.page}")
            click.echo(f"  flare-mock ctl --help; what it needs is in {control.file}")
        click.echo("Ctrl-C stops it.")
    sys.stdout.flush()


@main.command(
    epilog="Example: flare-mock serve --release 2.6 --workspace ./lab --user me@nvidia.com:nvidia:lead --json"
)
@click.option(
    "--release", help=f"Release to play: {', '.join(PROFILES)}; {LATEST}, or that of the server's kit, by default."
)
@click.option(
    "--server-kit",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The server's folder of official provisioning, for people's own admin kits; ports and names are those in it.",
)
@click.option(
    "--scheme",
    type=click.Choice([one.value for one in Scheme]),
    help="How frames travel in releases from 2.7 on; http by default.",
)
@click.option(
    "--workspace",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for kits (one a user) and certificates; with the same folder again, certificates are kept. "
    "Needed unless --state is given.",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to keep jobs, studies, certificates and ports in: a server that is started on it again goes on, "
    "however the one before ended.",
)
@click.option(
    "--authorization",
    type=click.Path(path_type=Path),
    help="The server's policy, an authorization.json; that of the scenario by default, then that of "
    "WORKSPACE/local, then the official default one.",
)
@click.option("--scenario", help="Scenario file (YAML), or the name of a ready one: see `flare-mock scenario list`.")
@click.option(
    "--pedantic",
    is_flag=False,
    flag_value="true",
    metavar="[SEED]",
    help="Do otherwise what a server may do otherwise; with a seed again as before. See docs/pedantic.md.",
)
@click.option("--clock", help="real, or a speed as x100; that of the scenario by default.")
@click.option("--host", help="Address to listen on, and host that kits name; 127.0.0.1 by default.")
@click.option("--allow-remote", is_flag=True, help="Listen on a host that other machines reach, too.")
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="FL port that kits name; a free one by default.")
@click.option(
    "--admin-port", default=0, type=click.IntRange(0, 65535), help="Port to listen on; a free one by default."
)
@click.option("--user", "users", multiple=True, type=UserType(), help="A user to write a kit for; repeatable.")
@click.option("--insecure", is_flag=True, help="Clear text and the fixed password, as the POC of release 2.3.")
@click.option(
    "--transcript",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write every connection, message and decision to as it happens, one JSON object a line.",
)
@click.option(
    "--control",
    is_flag=False,
    flag_value=0,
    type=click.IntRange(0, 65535),
    metavar="[PORT]",
    help="Have a control API and a page on 127.0.0.1, on this port or a free one; for `flare-mock ctl` and browsers.",
)
@click.option(
    "--control-token",
    envvar="FLARE_MOCK_TOKEN",
    help="What callers of the control API must show; one is drawn by default. Empty: nobody is asked.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON once the server accepts connections.")
@click.option("--verbose", is_flag=True, help="Log what is served and refused.")
def serve(
    release: str | None,
    server_kit: Path | None,
    scheme: str | None,
    workspace: Path | None,
    state: Path | None,
    authorization: Path | None,
    scenario: str | None,
    pedantic: str | None,
    clock: str | None,
    host: str | None,
    allow_remote: bool,
    port: int,
    admin_port: int,
    users: tuple[User, ...],
    insecure: bool,
    transcript: Path | None,
    control: int | None,
    control_token: str | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Serve until SIGTERM, Ctrl-C, or a client's `shutdown server`.

    Exit code 0 after a stop, 2 where the server could not start.
    """
    home = state or workspace
    if home is None:
        raise click.UsageError("expected --workspace DIR or --state DIR, but neither is there")
    logging.basicConfig(level=logging.DEBUG if verbose else logging.WARNING, format="%(levelname)s %(message)s")
    try:
        plan = library.find(scenario) if scenario else Scenario()
        server = MockServer(
            release,
            scenario=plan,
            authorization=authorization,
            pedantic=_pedantic(pedantic),
            clock=clock,
            secure=not insecure,
            workspace=workspace,
            host=host,
            allow_remote=allow_remote,
            port=port,
            admin_port=admin_port,
            scheme=scheme,
            server_kit=server_kit,
            state=state,
            control=False if control is None else ControlSettings(control, control_token),
        )
        for user in users:
            check_role(user, _roles(server))
        with _stop_signals() as stop, _written(server, transcript), server:
            whereabouts_of(server).write(home)
            # With a server's kit people have their own; what is asked for is issued if its CA's key is there.
            wanted = users or (plan.users or DEFAULT_USERS if server_kit is None else ())
            surface = server.control if control is not None else None
            _announce(server, _kits(server, wanted, workspace or home / "kits"), surface, as_json)
            _settle()
            while not stop.wait(0.2) and not server.wait(0):
                pass
    except (ScenarioError, ServerError, PkiError, ValueError, OSError) as problem:
        click.echo(f"flare-mock: {problem}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
