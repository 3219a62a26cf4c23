"""``flare kit``: what is in a startup kit, and what is wrong with it.

``kit doctor`` is ``flare_client.doctor``'s, with options, answers and exit codes of its own.
"""

from __future__ import annotations

from typing import Any

import click

from flare_client.cli.answers import answer, print_pairs
from flare_client.cli.lazy import LazyGroup
from flare_client.cli.settings import is_secure, kit_location, read_kit, settings, shared_options
from flare_client.cli.words import moment_text, value_text
from flare_client.kit import StartupKit
from flare_client.protocol.cellnet.kit import CellKitConfig
from flare_client.protocol.cellnet.proof import Verifier


@click.group(
    cls=LazyGroup,
    lazy={"doctor": "flare_client.doctor.command:doctor"},
    epilog="Example: flare kit doctor ./admin@nvidia.com",
)
def kit() -> None:
    """Look into a startup kit, and find out what is wrong with it."""
    given = settings()
    known = {"directory": given.kit, "user": given.user, "as_json": given.as_json or None}
    # The doctor knows nothing of the options of all commands: what stands before it becomes what it has by default.
    click.get_current_context().default_map = {
        "doctor": {name: value for name, value in known.items() if value is not None}
    }


@kit.command(epilog="Example: flare kit show --kit ./admin@nvidia.com --json")
@shared_options
def show() -> None:
    """Show who a kit is of, and which server it leads to; no server is asked."""
    location = kit_location(settings())
    found, user = read_kit(location)
    result = {"kit": str(location), "user": user, **_facts(found)}
    texts = {**result, "certificate_until": moment_text(result["certificate_until"])}
    answer(result, lambda: print_pairs((key.replace("_", " "), value_text(texts[key])) for key in texts))


def _facts(found: StartupKit) -> dict[str, Any]:
    config = found.config
    if isinstance(config, CellKitConfig):
        wire = {
            "releases": "2.7-2.9",
            "server": f"{config.scheme.value}://{config.host}:{config.port}",
            "project": config.project,
            "protection": config.security.value,
        }
    else:
        wire = {
            "releases": "2.3-2.6",
            "server": f"{config.host}:{config.admin_port}",
            "protection": "mtls" if config.with_ssl else "none",
        }
    return {
        **wire,
        "upload_dir": str(found.upload_dir),
        "download_dir": str(found.download_dir),
        "certificate_until": _valid_until(found),
    }


def _valid_until(found: StartupKit) -> float | None:
    if not is_secure(found) or found.client_cert is None:
        return None
    return Verifier(found.client_cert.read_bytes()).valid_until
