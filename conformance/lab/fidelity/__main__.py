"""``python -m conformance.lab.fidelity --release 2.6.3``: how like the official server the mock of a release is.

Writes ``docs/fidelity.json`` and ``docs/fidelity.md``. Exit code 0: the figures are reached and every difference is
explained; 1: they are not; 2: the lab could not run.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from rich.console import Console

from conformance.lab import provenance
from conformance.lab.compatibility import RecordError
from conformance.lab.ending import end_in_order_on_sigterm
from conformance.lab.fidelity import explanations, page, record, sightings
from conformance.lab.fidelity.comparison import Compared, Likeness, compare
from conformance.lab.fidelity.explanations import Explanation, ExplanationError
from conformance.lab.fidelity.peer import Seen
from conformance.lab.fidelity.probes import methods_of, not_played
from conformance.lab.fidelity.record import FidelityReport, Sequences
from conformance.lab.fidelity.runs import Progress, mock_stage, observe, official_stage
from conformance.lab.fidelity.sequences import search
from conformance.lab.provisioning import LabError
from conformance.peers import PEERS, PeerUnavailable
from flare_client.protocol.releases import profile_for

_FAILED, _UNUSABLE = 1, 2


@click.command()
@click.option("--release", "version", required=True, type=click.Choice(list(PEERS)), help="The official version.")
@click.option(
    "--recorded", is_flag=True, help="Compare with what was seen of the official server, instead of starting one."
)
@click.option("--sequences", "examples", default=0, show_default=True, help="How many random sequences to play.")
@click.option("--seed", default=7, show_default=True, help="What sequences are drawn from.")
@click.option("--probes/--no-probes", default=True, help="Whether to play the probe list, or sequences alone.")
@click.option(
    "--docs", type=click.Path(file_okay=False, exists=True, path_type=Path), default=Path("docs"), show_default=True
)
def main(version: str, recorded: bool, examples: int, seed: int, probes: bool, docs: Path) -> None:
    """Make the same calls on the official server and on MockServer, compare, and write the page."""
    end_in_order_on_sigterm()
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    started = time.monotonic()

    def progress(text: str) -> None:
        console.print(f"{time.monotonic() - started:6.1f} s  {text}")

    try:
        known = explanations.load()
        run = _Run(version, known, progress)
        before = record.load(docs).get(version)
        report = before if before is not None and not probes else run.probes(recorded)
        if before is not None:
            report = dataclasses.replace(report, sequences=before.sequences)
        reports = record.keep(report, docs)  # what was found so far, whatever comes of the sequences
        if examples:
            report = dataclasses.replace(report, sequences=run.sequences(examples, seed))
            reports = record.keep(report, docs)
        where = page.write(reports, known, docs)
    except (LabError, PeerUnavailable, RecordError, ExplanationError) as problem:
        console.print(f"fidelity: {problem}")
        sys.exit(_UNUSABLE)
    problems = [*_told(report, known), *_stale(reports, known)]
    for problem_line in problems:
        click.echo(problem_line)
    total = report.total
    click.echo(
        f"nvflare {version}: {total.probes} probes, same outcome {total.share(total.outcome):.2%}, same shape "
        f"{total.share(total.shape):.2%}, same value {total.share(total.value):.2%}, {len(report.differences)} "
        f"differences, {len(report.unexplained(known))} of them not explained"
    )
    click.echo(f"recorded in {where}")
    sys.exit(_FAILED if problems else 0)


class _Run:
    """A run for one release.

    Args:
        version: the official version.
        known: the explanations.
        progress: told what is being done.
    """

    def __init__(self, version: str, known: Sequence[Explanation], progress: Progress) -> None:
        self._version = version
        self._release = profile_for(version).release
        self._known = known
        self._progress = progress

    def probes(self, recorded: bool) -> FidelityReport:
        """Play the probe list on both servers; what was seen of the official one is kept.

        Args:
            recorded: take what was kept before.

        Raises:
            LabError: nothing was kept, or a server does not get into a state that is wanted.
        """
        with concurrent.futures.ThreadPoolExecutor(2) as both:  # they do not know of each other
            theirs = both.submit(self._recorded if recorded else self._official)
            ours = both.submit(self._mock)
            official, (mock, asked) = theirs.result(), ours.result()
        left_out = not_played(self._release, official)
        unknown = frozenset[str]().union(*left_out.values())
        probes = {key: method for key, method in methods_of(self._release).items() if key not in unknown}
        compared = compare(probes, official, mock)
        methods: dict[str, list[Compared]] = {}
        for one in compared:
            methods.setdefault(one.method, []).append(one)
        return FidelityReport(
            self._version,
            self._release,
            provenance.today(),
            f"make fidelity RELEASE={self._version}{' RECORDED=--recorded' if recorded else ''}",
            provenance.versions(self._version),
            {name: record.count(ones, asked.__contains__) for name, ones in sorted(methods.items())},
            record.count((one for one in compared if one.key in asked), asked.__contains__),
            tuple(one for one in compared if one.likeness is not Likeness.SAME_VALUE),
            tuple(left_out),
        )

    def sequences(self, examples: int, seed: int) -> Sequences:
        """Play random sequences on both servers."""
        with contextlib.ExitStack() as stack:
            self._progress(f"starting the official server of nvflare {self._version} for sequences")
            official = stack.enter_context(official_stage(self._version))
            mock = stack.enter_context(mock_stage(self._version))
            return search(
                self._release,
                official,
                mock,
                lambda one: explanations.explanation_of(self._release, one, self._known) is not None,
                examples=examples,
                number=seed,
                progress=self._progress,
            )

    def _recorded(self) -> dict[str, Seen]:
        found = sightings.load(self._version)
        if found is None:
            raise LabError(f"expected what was seen of nvflare {self._version} in {sightings.FOLDER}, found nothing")
        return found

    def _official(self) -> dict[str, Seen]:
        self._progress(f"starting the official server of nvflare {self._version}")
        with official_stage(self._version) as stage:
            found = dict(observe(stage, self._version, lambda text: self._progress(f"official: {text}")))
        sightings.save(self._version, found)
        return found

    def _mock(self) -> tuple[dict[str, Seen], set[str]]:
        with mock_stage(self._version) as stage:
            found = dict(observe(stage, self._version, lambda text: self._progress(f"MockServer: {text}")))
            return found, set(stage.asked)


def _told(report: FidelityReport, known: Sequence[Explanation]) -> list[str]:
    lines = [
        f"{one.key}: {one.likeness.name.lower().replace('_', ' ')}: official {one.official}; here {one.mock}"
        for one in report.unexplained(known)
    ]
    sequences = report.sequences.differing if report.sequences else ()
    lines += [f"a sequence differs:\n{script}" for script, reason in sequences if not reason]
    return [*lines, *record.missed(report)]


def _stale(reports: Mapping[str, FidelityReport], known: Sequence[Explanation]) -> list[str]:
    compared = {report.release: report.differences for report in reports.values()}
    return [
        f"an explanation explains nothing any more: {', '.join(one.probes)} ({', '.join(one.releases)}): {one.reason}"
        for one in explanations.stale(known, compared)
    ]


if __name__ == "__main__":
    main()
