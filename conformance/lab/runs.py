"""The runs of the lab: each client on each server, the script and the contracts.

Owns: which pairs there are, and turning what they did into ``Outcome``. Must not know how results are kept.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from conformance.adapters.base import Adapter, ClientError, ClientFailure
from conformance.adapters.inprocess import FLARE_CLIENT, InProcessAdapter
from conformance.lab.compatibility import Outcome
from conformance.lab.drives import DrivenServer, MockTarget, official_client
from conformance.lab.observations import Observation, compare
from conformance.lab.provisioning import ADMIN, LabError
from conformance.lab.script import run_script
from conformance.lab.server import OfficialServer
from conformance.parties import OFFICIAL

_CONTRACT_SECONDS = 1800

Progress = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class LabRuns:
    """What to run for a release.

    Attributes:
        version: the official version.
        progress: told what is being done.
    """

    version: str
    progress: Progress

    def scripts(self, server: OfficialServer) -> list[Outcome]:
        """Run the script on every pair and compare with official client and official server.

        Args:
            server: the official server, unused so far; it is empty again in the end.

        Raises:
            LabError: the official pair itself did not get through: there is nothing to compare with.
        """
        official, mock = f"nvflare {self.version}", "MockServer"
        with self._official() as client:
            expected = self._observe(client, server, f"{official} on {official}")
        outcomes = [Outcome("script", official, official, len(expected), 0, 0)]
        server.reset()
        with self._reference() as client:
            outcomes.append(self._compared(expected, client, server, FLARE_CLIENT, official))
        server.reset()
        for name, make in ((official, self._official), (FLARE_CLIENT, self._reference)):
            with make() as client, MockTarget(self.version) as target:
                outcomes.append(self._compared(expected, client, target, name, mock))
        return outcomes

    def contracts(self, server: OfficialServer) -> list[Outcome]:
        """Run the contracts: every client on the official server, and on the mock server.

        Raises:
            LabError: a run could not be started or gave no report.
        """
        official = f"nvflare {self.version}"
        at_kit = ["--server", f"kit:{server.kit()}", "--user", ADMIN]
        pairs: tuple[tuple[str, str, str, list[str]], ...] = (
            (official, f"{OFFICIAL}{self.version}", official, at_kit),
            (FLARE_CLIENT, FLARE_CLIENT, official, at_kit),
            (official, f"{OFFICIAL}{self.version}", "MockServer", []),
            (FLARE_CLIENT, FLARE_CLIENT, "MockServer", []),
        )
        return [self._contracts(name, client, on, words) for name, client, on, words in pairs]

    # --- the script -------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _official(self) -> Iterator[Adapter]:
        with contextlib.closing(official_client(self.version)) as client:
            yield client

    @staticmethod
    @contextlib.contextmanager
    def _reference() -> Iterator[Adapter]:
        with contextlib.closing(InProcessAdapter(FLARE_CLIENT)) as client:
            yield client

    def _observe(self, client: Adapter, server: DrivenServer, title: str) -> list[Observation]:
        with tempfile.TemporaryDirectory(prefix="flare-lab-jobs-") as scratch:
            try:
                return run_script(client, server, Path(scratch), lambda part: self.progress(f"{title}: {part}"))
            except (ClientError, ClientFailure) as problem:
                raise LabError(f"{title}: the script came to an end early: {problem}") from problem

    def _compared(
        self, expected: list[Observation], client: Adapter, server: DrivenServer, name: str, server_name: str
    ) -> Outcome:
        try:
            came = self._observe(client, server, f"{name} on {server_name}")
        except LabError as problem:
            return Outcome("script", name, server_name, 0, len(expected), 0, failures=(str(problem),))
        differences = compare(expected, came)
        failures = tuple(str(difference) for difference in differences)
        return Outcome("script", name, server_name, len(expected) - len(failures), len(failures), 0, failures=failures)

    # --- the contracts ----------------------------------------------------------------------------------------------

    def _contracts(self, name: str, client: str, server_name: str, server_words: list[str]) -> Outcome:
        self.progress(f"{name} on {server_name}: contracts")
        with tempfile.TemporaryDirectory(prefix="flare-lab-contracts-") as scratch:
            report = Path(scratch) / "report.json"
            command = [sys.executable, "-m", "conformance.cli", "run", "--client", client]
            command += ["--release", self.version, *server_words, "--json", str(report)]
            code, said = _run_shown(command, lambda line: self.progress(f"{name} on {server_name}: {line}"))
            if code not in (0, 1) or not report.is_file():
                raise LabError(f"contracts of {name} on {server_name}: exit code {code}: {said}")
            return _contract_outcome(json.loads(report.read_text()), name, server_name)


def _run_shown(command: list[str], show: Callable[[str], None]) -> tuple[int, str]:
    """Run a command, show each line that it writes, and return its exit code and last lines.

    Raises:
        LabError: it takes too long.
    """
    last: collections.deque[str] = collections.deque(maxlen=8)
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        watchdog = threading.Timer(_CONTRACT_SECONDS, process.kill)
        watchdog.start()
        try:
            for line in process.stdout or ():
                if line.strip():
                    last.append(line.strip())
                    show(line.strip())
        finally:
            expired = not watchdog.is_alive()
            watchdog.cancel()
    if expired:
        raise LabError(f"{' '.join(command)}: no end in {_CONTRACT_SECONDS} s")
    return process.returncode, "\n".join(last)


def _contract_outcome(report: dict[str, Any], name: str, server_name: str) -> Outcome:
    counts = collections.Counter(one["verdict"] for one in report["results"])
    failures = tuple(
        f"{one['contract']}: {one['message'].splitlines()[0] if one['message'] else 'no reason given'}"
        for one in report["results"]
        if one["verdict"] == "failed"
    )
    return Outcome(
        "contracts",
        name,
        server_name,
        passed=counts["passed"],
        failed=counts["failed"],
        skipped=counts["skipped"],
        inconclusive=counts["inconclusive"],
        failures=failures,
    )
