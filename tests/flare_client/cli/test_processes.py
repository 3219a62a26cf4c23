"""The command as users run it: a process of its own, with pipes or a terminal, and Ctrl-C."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mock_server import MockServer
from mock_server.faults import Silence, Stall
from tests.flare_client.cli.command import SCENARIO, Flare, checked
from tests.support import JobMaker

FLARE = [sys.executable, "-m", "flare_client"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("FLARE_", "NVFLARE_"))} | {
    "TERM": "xterm-256color",
    "COLUMNS": "100",
    "PYTHONUNBUFFERED": "1",
}
QUICK = ["--every", "0.05"]


def process(*words: str, kit: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*FLARE, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
        env={**ENVIRONMENT, "FLARE_KIT": str(kit)},
    )


class Terminal:
    """A command that sits at a terminal."""

    def __init__(self, *words: str, kit: Path) -> None:
        self._own, its = pty.openpty()
        self.shown = ""
        self.process = subprocess.Popen(
            [*FLARE, *words], stdin=its, stdout=its, stderr=its, env={**ENVIRONMENT, "FLARE_KIT": str(kit)}
        )
        os.close(its)

    def read_until(self, text: str) -> str:
        """Read what is shown until a text was."""
        while text not in self.shown:
            assert select.select([self._own], [], [], 60)[0], f"expected {text!r}, but it showed {self.shown!r}"
            block = self._block()
            assert block, f"expected {text!r}, but it ended after {self.shown!r}"
        return self.shown

    def end(self) -> int:
        """Read until the process ends, and return its exit code."""
        while self._block():
            pass
        return self.process.wait(60)

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._own, text.encode())

    def close(self) -> None:
        """Leave nothing behind."""
        self.process.kill()
        self.process.wait()
        os.close(self._own)

    def _block(self) -> str:
        try:
            block = os.read(self._own, 65536).decode(errors="replace")
        except OSError:  # how Linux says that nobody has the other end open
            return ""
        self.shown += block
        return block


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    with contextlib.ExitStack() as stack:

        def start(*words: str, kit: Path) -> Terminal:
            return stack.enter_context(contextlib.closing(Terminal(*words, kit=kit)))

        yield start


def test_a_script_goes_by_exit_codes_and_json(flare: Flare, make_job: JobMaker) -> None:
    done = process("jobs", "submit", str(make_job("hello")), "--json", kit=flare.kit)
    assert (done.returncode, done.stderr) == (0, "")
    job_id = checked(done.stdout)[0]["result"]["job_id"]
    done = process("jobs", "monitor", job_id, "--json", *QUICK, kit=flare.kit)
    assert done.returncode == 0
    assert checked(done.stdout)[-1]["result"]["finished"] is True
    done = process("jobs", "meta", "nothing", "--json", kit=flare.kit)
    assert (done.returncode, checked(done.stdout)[0]["error"]["kind"]) == (1, "job_not_found")


@pytest.mark.parametrize("release", ["2.6", "2.9"])
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_the_watching_and_not_the_job(
    flare_of: Callable[..., Flare], make_job: JobMaker, release: str, interruptible: None
) -> None:
    flare = flare_of(release)
    job_id = flare.ask("jobs", "submit", str(make_job("long"))).result["job_id"]
    watching = subprocess.Popen(
        [*FLARE, "jobs", "monitor", job_id, "--json", *QUICK],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**ENVIRONMENT, "FLARE_KIT": str(flare.kit)},
    )
    assert watching.stdout is not None
    first = watching.stdout.readline()
    watching.send_signal(signal.SIGINT)
    rest, err = watching.communicate(timeout=60)
    documents = checked(first + rest)
    assert (watching.returncode, err) == (130, "")
    assert documents[-1]["error"]["kind"] == "interrupted"
    assert f"job {job_id} goes on" in documents[-1]["error"]["message"]
    assert not flare.ask("jobs", "meta", job_id).result["meta"]["status"].startswith("FINISHED")
    flare("jobs", "abort", job_id, "--yes")


def test_a_terminal_sees_a_picture_that_ends_with_the_job(
    flare_of: Callable[..., Flare], make_job: JobMaker, terminal: Callable[..., Terminal]
) -> None:
    flare = flare_of("2.9")
    job_id = flare.ask("jobs", "submit", str(make_job("hello"))).result["job_id"]
    seen = terminal("jobs", "monitor", job_id, *QUICK, kit=flare.kit)
    assert seen.end() == 0
    last = seen.shown[seen.shown.rindex("╭") :]
    assert "hello" in last
    assert job_id in last
    assert "✔" in last
    assert "FINISHED:COMPLETED" in last
    assert "site-2" in last
    assert '"version"' not in seen.shown


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_at_a_terminal_says_that_the_job_goes_on(
    flare_of: Callable[..., Flare], make_job: JobMaker, terminal: Callable[..., Terminal]
) -> None:
    flare = flare_of("2.6")
    job_id = flare.ask("jobs", "submit", str(make_job("long"))).result["job_id"]
    seen = terminal("jobs", "monitor", job_id, *QUICK, kit=flare.kit)
    seen.read_until("RUNNING")
    seen.process.send_signal(signal.SIGINT)
    assert seen.end() == 130
    assert f"flare: interrupted: job {job_id} goes on" in seen.shown
    assert "Traceback" not in seen.shown
    flare("jobs", "abort", job_id, "--yes")


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1)])
def test_a_terminal_is_asked_before_something_is_lost(
    flare_of: Callable[..., Flare], make_job: JobMaker, terminal: Callable[..., Terminal], answer: str, code: int
) -> None:
    flare = flare_of("2.9")
    job_id = flare.ask("jobs", "submit", str(make_job("hello"))).result["job_id"]
    flare("jobs", "wait", job_id, *QUICK)
    asked = terminal("jobs", "delete", job_id, kit=flare.kit)
    asked.read_until(f"Delete job {job_id} and its result? [y/N]")
    asked.type(f"{answer}\n")
    assert asked.end() == code
    assert (f"deleted {job_id}" if answer == "y" else "flare: nothing was done") in asked.shown
    assert flare("jobs", "meta", job_id).code == (1 if answer == "y" else 0)


def test_a_terminal_sees_bars_and_tables(
    flare_of: Callable[..., Flare], make_job: JobMaker, terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    flare = flare_of("2.9")
    folder = make_job("big", files={"app/data.bin": "x" * 3_000_000})
    sent = terminal("jobs", "submit", str(folder), kit=flare.kit)
    assert sent.end() == 0
    assert "sending big" in sent.shown
    assert "━" in sent.shown
    (job,) = list(flare.ask("jobs", "list", "--newest-first", "--limit", "1").result["jobs"])
    flare("jobs", "wait", job["job_id"], *QUICK)
    fetched = terminal("jobs", "download", job["job_id"], "--to", str(tmp_path), kit=flare.kit)
    assert fetched.end() == 0
    assert "fetching " in fetched.shown
    listed = terminal("jobs", "list", "--id", job["job_id"], kit=flare.kit)
    assert listed.end() == 0
    assert "───" in listed.shown


def test_a_reader_that_goes_away_makes_no_traceback(flare_of: Callable[..., Flare]) -> None:
    flare = flare_of("2.9")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*FLARE, "jobs", "list", "--json"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
        env={**ENVIRONMENT, "FLARE_KIT": str(flare.kit)},
    )
    os.close(writing)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("json", [[], ["--json"]])
def test_a_disk_that_is_full_makes_no_traceback(flare_of: Callable[..., Flare], json: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*FLARE, "kit", "show", *json],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
            env={**ENVIRONMENT, "FLARE_KIT": str(flare_of("2.9").kit)},
        )
    assert (done.returncode, done.stderr) == (1, "flare: No space left on device\n")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_were_closed_are_no_fault(
    flare_of: Callable[..., Flare], make_job: JobMaker, tmp_path: Path, closed: str
) -> None:
    flare = flare_of("2.9")
    job_id = flare.ask("jobs", "submit", str(make_job("hello"))).result["job_id"]
    for words, code in (
        (["jobs", "monitor", job_id, *QUICK], 0),
        (["jobs", "download", job_id, "--to", str(tmp_path)], 0),
        (["jobs", "delete", job_id], 2),
    ):
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {closed}', "sh", *FLARE, *words],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=60,
            env={**ENVIRONMENT, "FLARE_KIT": str(flare.kit)},
        )
        assert done.returncode == code, done


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("release", ["2.6", "2.9"])
@pytest.mark.parametrize(
    ("number", "code", "kind"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_nothing_half_is_left_where_a_transfer_is_stopped(
    release: str, number: int, code: int, kind: str, make_job: JobMaker, tmp_path: Path
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with MockServer(release, scenario=SCENARIO) as server:
        flare = Flare(server.kit(directory=tmp_path / "kit"))
        folder = str(make_job("big"))
        job_id = flare.ask("jobs", "submit", folder).result["job_id"]
        flare("jobs", "wait", job_id, *QUICK)
        stall = server.faults.inject(Stall(200_000), at="download")
        silence = server.faults.inject(Silence(), command="submit_job")
        for fault, words in ((stall, ["download", job_id]), (silence, ["submit", folder])):
            stopped = subprocess.Popen(
                [*FLARE, "jobs", *words, "--json"],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**ENVIRONMENT, "FLARE_KIT": str(flare.kit), "TMPDIR": str(scratch)},
            )
            assert fault.wait(60)
            stopped.send_signal(number)
            if number == signal.SIGTERM:
                stopped.send_signal(number)  # as `timeout` of the shell does
            out, err = stopped.communicate(timeout=60)
            assert (stopped.returncode, err) == (code, "")
            assert checked(out)[-1]["error"]["kind"] == kind
            assert list(scratch.iterdir()) == []
            assert list((flare.kit / "transfer").iterdir()) == []


@pytest.mark.parametrize("release", ["2.3", "2.6", "2.9"])
def test_debugging_logs_commands_to_standard_error(flare_of: Callable[..., Flare], release: str) -> None:
    done = process("system", "status", "--json", "--debug", kit=flare_of(release).kit)
    assert done.returncode == 0
    assert json.loads(done.stdout)["status"] == "ok"
    lines = done.stderr.splitlines()
    assert f"DEBUG flare_client logged in as admin@nvidia.com to a server of release {release}" in lines
    sent = lines.index("DEBUG flare_client sending check_status server")
    assert re.fullmatch("DEBUG flare_client received [a-z, ]*table[a-z, ]*; status ok", lines[sent + 1])
    assert [line for line in lines if not line.startswith("DEBUG flare_client ")] == [], "others know no secrets"


def test_a_shell_completes_commands_and_options() -> None:
    for words, place, wanted in (("flare jobs mo", 2, "monitor"), ("flare jobs list --new", 3, "--newest-first")):
        completing = {"_FLARE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(place)}
        done = subprocess.run(
            FLARE, capture_output=True, text=True, check=False, timeout=60, env={**ENVIRONMENT, **completing}
        )
        assert done.stdout.split() == [f"plain,{wanted}"]


def test_the_import_of_the_client_loads_nothing_of_the_command() -> None:
    program = "import sys, flare_client; print([m for m in ('click', 'rich', 'flare_client.cli') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_command_without_a_terminal_does_not_wait_for_rich(flare_of: Callable[..., Flare]) -> None:
    program = (
        "import sys\n"
        "from flare_client.cli import main\n"
        "try:\n"
        "    main(['jobs', 'list'])\n"
        "except SystemExit as end:\n"
        "    print(end.code, 'rich' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**ENVIRONMENT, "FLARE_KIT": str(flare_of("2.9").kit)},
    )
    assert done.stdout.splitlines()[-1] == "0 False"
