"""``flare-mock kit``: a startup kit for a server that has a workspace, right or broken on purpose."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import click

from mock_server.broken_kits import BROKEN_KITS, write_broken_kit
from mock_server.kits import write_admin_kit
from mock_server.pki import CA_FILE, Pki, PkiError
from mock_server.scenarios.system import User
from mock_server.server_kit import read_server_kit
from mock_server.user_option import UserType, check_role
from mock_server.whereabouts import Whereabouts, WhereaboutsError

_ADMIN = User(name="admin@nvidia.com", role="project_admin")


def _authority(found: Whereabouts, workspace: Path) -> Pki:
    """The authority of the server, never a new one: no server would know it.

    Raises:
        WhereaboutsError: it is not there any more.
    """
    kept = workspace / "pki"
    if found.server_kit:
        return Pki(found.project, kept, host=found.host, given=read_server_kit(found.server_kit).authority)
    if not (kept / CA_FILE).is_file():
        raise WhereaboutsError(f"expected the authority that `flare-mock serve` left in {kept}, but it is not there")
    return Pki(found.project, kept, host=found.host)


def _list(context: click.Context, _: click.Parameter, value: bool) -> None:
    if not value or context.resilient_parsing:
        return
    width = max(len(name) for name in BROKEN_KITS)
    for kit in BROKEN_KITS.values():
        releases = f" ({', '.join(kit.releases)})" if kit.releases else ""
        click.echo(f"{kit.name:<{width}}  {kit.what}{releases}")
    context.exit()


@click.command(epilog="Example: flare-mock kit --workspace ./lab --broken expired")
@click.option(
    "--workspace",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of `flare-mock serve --workspace`; the server need not run.",
)
@click.option("--user", type=UserType(), default=_ADMIN, help="Whose kit it is; a project admin by default.")
@click.option("--broken", type=click.Choice(list(BROKEN_KITS)), help="What is wrong with it on purpose: see --list.")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write the kit's folder into; the workspace by default, or `broken/NAME` in it.",
)
@click.option(
    "--list", is_flag=True, is_eager=True, expose_value=False, callback=_list, help="List what may be broken, and end."
)
def kit(workspace: Path, user: User, broken: str | None, directory: Path | None) -> None:
    """Write a startup kit, and print where it is.

    Exit code 2 where it cannot be written.
    """
    try:
        found = Whereabouts.read(workspace)
        if not found.secure:
            raise WhereaboutsError("expected a secure server: an insecure one has one kit, of admin, and no other")
        check_role(user, found.roles)
        pki = _authority(found, workspace)
        try:
            order = dataclasses.replace(found.order(pki), user=user.name, org=user.org, role=user.role)
            parent = directory or (workspace / "broken" / broken if broken else workspace)
            if broken:
                path = write_broken_kit(broken, parent / user.name, order)
            else:
                path = write_admin_kit(parent / user.name, order)
        finally:
            pki.close()
    except (WhereaboutsError, PkiError, ValueError, OSError) as problem:
        click.echo(f"flare-mock kit: {problem}", err=True)
        sys.exit(2)
    click.echo(path)
