"""What the values of options and arguments must look like before a command begins."""

from __future__ import annotations

import math
from typing import Any

import click

_LONGEST = 1e9
"""Seconds, thirty years: more than anybody waits, and less than the waits of the system can count."""


class _Text(click.ParamType):  # type: ignore[type-arg] # generic since click 8.3, and not before
    """Any text but the empty one: that is what a variable of a script is that nobody set."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not value:
            self.fail("expected a text, but it is empty.", param, ctx)
        return str(value)


class _Seconds(click.FloatRange):
    """A length of time that can be waited for: more than nothing, and less than for ever."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds: float = super().convert(value, param, ctx)
        if math.isnan(seconds):  # which is neither in a range nor outside
            self.fail(f"{value} is no number of seconds.", param, ctx)
        return seconds


TEXT = _Text()
job_argument = click.argument("job_id", type=TEXT)
SECONDS = _Seconds(min=0, max=_LONGEST, min_open=True)
