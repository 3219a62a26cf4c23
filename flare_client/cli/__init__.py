"""The command ``flare``: the admin API of NVIDIA FLARE at a terminal and in scripts.

A module a subject; each is loaded by the first command that it owns. What they share: ``program`` turns errors into
exit codes and words, ``settings`` owns the options of all commands and opens the session, ``answers`` is the one way
to print, ``confirmation`` asks before something is lost, ``watching`` shows how far files have come.

It alone of the package may use click and rich: ``import flare_client`` loads neither, nor this package.
"""

from __future__ import annotations

import click

from flare_client.cli.program import Program
from flare_client.cli.settings import root_options


@click.group(
    cls=Program,
    lazy={
        "jobs": "flare_client.cli.jobs:jobs",
        "system": "flare_client.cli.system:system",
        "studies": "flare_client.cli.studies:studies",
        "kit": "flare_client.cli.kit:kit",
        "schema": "flare_client.cli.schema:schema",
    },
    epilog="Example: flare --kit ./admin@nvidia.com jobs list",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="flare-conformance")
@root_options
def main() -> None:
    """Jobs, machines and studies of an NVIDIA FLARE server, of any release from 2.3 to 2.9.

    The options of this level may stand after a command as well; there they count more.
    """


__all__ = ["main"]
