"""``flare-mock ctl``: commands to a server that runs elsewhere, over its control API.

``connection`` finds the server and asks it, ``printing`` shows the answers; the commands are beside, by their subject.
"""

from __future__ import annotations

import click

from mock_server.ctl import faults, jobs, observation, server
from mock_server.ctl.options import Group


@click.group(cls=Group)
def ctl() -> None:
    """Control a running mock server: `flare-mock serve --control`, or MockServer(control=True).

    The server is found by --url and --token, by the environment variables FLARE_MOCK_URL and FLARE_MOCK_TOKEN, or by
    --workspace (FLARE_MOCK_WORKSPACE), the folder that it was started with; `.` by default. Each command takes them,
    and --json for the answer as it came.

    Exit code 1 where the server says no, 2 where it cannot be asked.
    """


for command in (*server.COMMANDS, *jobs.COMMANDS, *faults.COMMANDS, *observation.COMMANDS):
    ctl.add_command(command)
