"""Pictures of the control page of a busy server: ``python -m tests.browser.shots FOLDER``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from flare_client import new_secure_session
from mock_server import ManualClock, MockServer
from tests.browser import chromium
from tests.browser.chromium import Page
from tests.support import write_job

SCENARIO = {
    "description": "A busy morning.",
    "limits": {"max_jobs": 3},
    "jobs": [
        {"match": {"name": "broken*"}, "queued": "5s", "running": "40s", "outcome": "EXECUTION_EXCEPTION"},
        {
            "match": {"name": "train*"},
            "stages": [
                {"from": "SUBMITTED", "delay": "4s", "to": "DISPATCHED"},
                {"from": "DISPATCHED", "delay": "3s", "to": "RUNNING"},
                {"from": "RUNNING", "delay": "20s", "repeat": 5, "log": ["round finished"]},
                {"from": "RUNNING", "delay": "5s", "to": "FINISHED:COMPLETED"},
            ],
        },
        {"queued": "2s", "running": "70s"},
    ],
    "workload": [
        {"name": "train-brain", "count": 3, "every": "25s"},
        {"name": "broken-config", "at": "30s", "submitter": "ops@nvidia.com"},
        {"name": "nightly", "at": "40s", "count": 3, "every": "15s", "submitter": "ops@nvidia.com"},
    ],
}


def busy(server: MockServer, folder: Path) -> None:
    """Have a server see a bit of life."""
    clock = server.clock
    assert isinstance(clock, ManualClock)
    server.faults.inject("delay", seconds=0.01, command="list_jobs", nth=2)
    server.faults.inject("close", command="clone_job", direction="answer", times=1)
    server.faults.all[1].pause()
    clock.advance(60)
    for name, role in (("admin@nvidia.com", "project_admin"), ("lead@nvidia.com", "lead")):
        session = new_secure_session(name, str(server.kit(name, role=role)))
        session.list_jobs()
        session.list_jobs()
        job_id = session.submit_job(str(write_job(folder, f"hello-{role}")))
        session.get_job_meta(job_id)
    server.abort_job(job_id)
    clock.advance(100)
    server.set_site_connected("site-2", False)


def window(tab: Page, width: int, height: int, scheme: str = "light") -> None:
    """Make the window so large, light or dark."""
    tab.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
    tab.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])


def shoot(target: Path) -> None:
    """Write the pictures."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, MockServer(scenario=SCENARIO, clock="virtual", control=True) as server:
        folder = Path(name)
        busy(server, folder)
        with chromium.browser(folder / "profile") as tab:
            for title, width, height, scheme in (
                ("light", 1280, 1020, "light"),
                ("dark", 1280, 1020, "dark"),
                ("narrow", 390, 1500, "light"),
            ):
                window(tab, width, height, scheme)
                tab.open("about:blank")
                tab.open(server.control.page)
                tab.wait("document.querySelectorAll('.bar svg').length > 7")
                tab.wait("document.querySelectorAll('#entries li').length > 7")
                tab.picture(target / f"{title}.png")
            window(tab, 1280, 1500)
            tab.ask("document.querySelector('#job-list .name').click()")
            tab.ask("document.querySelectorAll('details.add').forEach((one) => { one.open = true; })")
            tab.ask("document.querySelector('#entries summary').click()")
            tab.wait("document.querySelector('.past li') !== null")
            tab.picture(target / "open.png")


if __name__ == "__main__":
    shoot(Path(sys.argv[1]))
