"""What a worker says, and results as JSON carries them between processes."""

from __future__ import annotations

import dataclasses
from typing import Any

from conformance.judging import Outcome
from conformance.results import Irregular, Result, Verdict

READY = "ready"
"""Client and server are there; their names."""
CANNOT = "cannot"
"""They are not to be had; why."""
DONE = "done"
"""The outcome of the task."""
HUNG = "hung"
"""The time is over; the call that the client does not return from."""
END = "end"
"""No more tasks came; the lag of the machine."""


def from_outcome(outcome: Outcome) -> dict[str, Any]:
    """An outcome as plain data."""
    return dataclasses.asdict(outcome) | {
        "result": dataclasses.asdict(outcome.result) | {"verdict": outcome.result.verdict.value}
    }


def to_outcome(data: dict[str, Any]) -> Outcome:
    """The outcome from its data."""
    return Outcome(to_result(data["result"]), data["confirm"], data["noise"])


def to_result(data: dict[str, Any]) -> Result:
    """A result from its data."""
    tuples = {
        "script": tuple(data["script"]),
        "transcript": tuple(data["transcript"]),
        "irregular": tuple(Irregular(**one) for one in data["irregular"]),
    }
    return Result(**{**data, **tuples, "verdict": Verdict(data["verdict"])})


def hung(result: Result, seconds: float, call: str) -> Result:
    """The verdict on a client that did not come to an end.

    Args:
        result: what is known beside.
        seconds: the limit.
        call: the call that did not return; empty where none was made.
    """
    where = f" in {call}" if call else ""
    return dataclasses.replace(
        result,
        verdict=Verdict.FAILED,
        message=f"the client hung: no end within {seconds:g} s{where}, so it was killed",
        expected=f"an end within {seconds:g} s",
        observed=f"none{where}",
    )
