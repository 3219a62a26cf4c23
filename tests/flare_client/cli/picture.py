"""docs/flare-monitor.svg: what ``flare jobs monitor`` shows in the middle of a job, taken from a real run.

``python -m tests.flare_client.cli.picture`` runs a mock server of release 2.9 with a scenario, submits a job to it,
watches it with the parts of the command, and takes the picture once the job has logged a few rounds.
"""

from __future__ import annotations

import io
import tempfile
import time
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from flare_client import Session, new_secure_session
from flare_client.cli.course import Course
from flare_client.cli.drawing import drawing
from flare_client.cli.monitor import Follower
from flare_client.cli.views import Silent
from mock_server import MockServer
from tests.support import write_job

ADMIN = "admin@nvidia.com"
PICTURE = Path(__file__).parents[3] / "docs" / "flare-monitor.svg"
ROUNDS = 3
"""So many rounds are over in the picture."""
SCENARIO = {
    "sites": [{"name": f"site-{number}"} for number in (1, 2, 3)],
    "jobs": [
        {
            "stages": [
                {"from": "SUBMITTED", "delay": "1200ms", "to": "DISPATCHED"},
                {"from": "DISPATCHED", "delay": "800ms", "to": "RUNNING"},
                *(
                    {"from": "RUNNING", "delay": "1s", "log": {"server": [f"FedAvg: round {number} of 5 is over"]}}
                    for number in range(1, 6)
                ),
                {"from": "RUNNING", "to": "FINISHED:COMPLETED"},
            ]
        }
    ],
}
_WIDTH = 96
_POLL_SECONDS = 0.2


def watch(session: Session, job_id: str) -> Course:
    """Watch a job until it has logged a few rounds."""
    course = Course(job_id)
    follower = Follower(session, course, Silent(), "server")

    def look(_: Session, __: str, meta: dict[str, object]) -> bool:
        course.take(meta, time.time())
        follower.look()
        return sum("is over" in line for line in course.lines) < ROUNDS

    session.monitor_job(job_id, timeout=60, poll_interval=_POLL_SECONDS, cb=look)
    return course


def take(path: Path) -> None:
    """Run it all, and write the picture."""
    with tempfile.TemporaryDirectory(prefix="flare-picture-") as scratch:
        job = write_job(Path(scratch), "hello-numpy", min_clients=3)
        with MockServer("2.9", scenario=SCENARIO) as server, new_secure_session(ADMIN, str(server.kit())) as session:
            job_id = session.submit_job(str(job))
            course = watch(session, job_id)
            recorder = Console(record=True, width=_WIDTH, force_terminal=True, file=io.StringIO())
            recorder.print(Text(f"$ flare jobs monitor {job_id} --logs server"))
            recorder.print(drawing(course, time.time()))
    recorder.save_svg(str(path), title="flare jobs monitor")


@click.command()
@click.argument("path", default=PICTURE, type=click.Path(dir_okay=False, path_type=Path))
def main(path: Path) -> None:
    """Write the picture."""
    take(path)
    click.echo(f"wrote {path}")


if __name__ == "__main__":
    main()
