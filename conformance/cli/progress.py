"""What a person at the terminal sees while contracts are checked: a line a verdict, and what is running now."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text

from conformance import reports
from conformance.results import Result
from conformance.running.plan import Plan


class Lines:
    """Lines of verdicts; at a terminal a last line that tells what is running, and goes away in the end.

    Args:
        console: where to print.
        total: how many verdicts will come.
        plan: the run.
    """

    def __init__(self, console: Console, total: int, plan: Plan) -> None:
        self._console = console
        self._total = total
        self._plan = plan
        self._done = 0
        self._announced = False
        self._running: dict[str, float] = {}
        self._alone = False
        self._live = Live(get_renderable=self._line, console=console, transient=True, refresh_per_second=4)

    def __enter__(self) -> Lines:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def parties(self, client: str, server: str) -> None:
        """Say who takes part, once."""
        if not self._announced:
            self._announced = True
            self._console.print(
                f"{client} on {server}: {self._total} contracts, profile {self._plan.profile}, seed {self._plan.seed}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )

    def begun(self, contract: str, *, alone: bool) -> None:
        """Show it in the last line."""
        self._running[contract] = time.monotonic()
        if alone and not self._alone:
            self._alone = True
            self._running = {contract: self._running[contract]}

    def done(self, result: Result, *, alone: bool) -> None:
        """Print the verdict."""
        del alone
        self._running.pop(result.contract, None)
        self._done += 1
        reports.print_line(self._console, result)

    def _line(self) -> Text:
        now = time.monotonic()
        running = ", ".join(f"{name} {now - since:.0f} s" for name, since in list(self._running.items()))
        how = "confirming, alone: " if self._alone else ""
        return Text(f"{self._done}/{self._total}  {how}{running}", style="dim", no_wrap=True, overflow="ellipsis")
