"""What stands in a transcript of a recording: outcomes without what is hidden, and without what is not compared."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from conformance.recordings import document
from conformance.recordings.calls import Outcome, Raised
from conformance.recordings.hiding import Hiding
from conformance.recordings.probes import WATCH
from conformance.recordings.uncompared import Comparable
from flare_client.protocol.jobs import SERVER_SITE


class Shown:
    """Turns outcomes into entries of a transcript: what is hidden and what is not compared is gone.

    Args:
        hiding: takes away what may not stand there.
        comparable: takes away what is not compared.
        gaps: fields of jobs that are not compared.
    """

    def __init__(self, hiding: Hiding, comparable: Comparable, gaps: Sequence[document.Gap]) -> None:
        self._hiding = hiding
        self._comparable = comparable
        self._gaps = {gap.job: frozenset(gap.fields) for gap in gaps}
        for gap in gaps:
            self._gaps[gap.job] |= frozenset(gap.fields)

    def entry(self, outcome: Outcome, *, only_end: bool = False) -> document.Entry:
        """The entry of an outcome."""
        call = outcome.call
        fields: dict[str, Any] = {"call": call.method}
        fields |= {"args": tuple(call.args)} if call.args else {}
        fields |= {"options": dict(call.options)} if call.options else {}
        fields["at"] = outcome.at
        if outcome.raised is not None:
            fields["raised"] = self.raised(outcome.raised)
        elif call.method == WATCH:
            fields["seen"] = tuple(document.Seen(**dataclasses.asdict(seen)) for seen in outcome.value)
            fields |= {"only_end": True} if only_end else {}
        else:
            fields["returned"] = self.returned(outcome)
        return document.Entry(**fields)

    def raised(self, raised: Raised) -> document.Raised:
        """What was raised, without the same."""
        return document.Raised(kind=raised.kind, text=self._comparable.text(self._hiding.text(raised.text)))

    def returned(self, outcome: Outcome) -> Any:
        """What was returned, without the same."""
        shown = self._comparable.value(self._without_gaps(self._hiding.value(outcome.value)), outcome.call.method)
        if outcome.call.method == "get_working_directory" and outcome.call.args == (SERVER_SITE,):
            return _FOLDER_OF_SERVER.sub("<path>/<server>", shown)
        return _sized(shown) if outcome.call.method == "download_job_result" else shown

    def _without_gaps(self, value: Any) -> Any:
        if isinstance(value, dict):
            left_out = self._gaps.get(str(value.get("job_id")), frozenset())
            return {key: self._without_gaps(item) for key, item in value.items() if key not in left_out}
        return [self._without_gaps(item) for item in value] if isinstance(value, list) else value


_FOLDER_OF_SERVER = re.compile(r"<path>/\S+")
_UNSIZED = ("meta.json", "log.txt")


def _sized(shown: Any) -> Any:
    """The sizes of files, as far as they are compared."""
    if not isinstance(shown, dict):
        return shown
    return {path: "<size>" if path.rpartition("/")[2] in _UNSIZED else size for path, size in shown.items()}
