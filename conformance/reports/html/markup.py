"""HTML that cannot be broken into: elements are built, and text that is not markup already is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable

from conformance.reports.text import visible

_VOID = frozenset({"meta", "input"})


class Markup(str):
    """Finished markup; every other string is text."""

    __slots__ = ()


def text(value: str) -> Markup:
    """Text as markup: escaped, control characters shown as their escapes."""
    return Markup(html.escape(visible(value), quote=True))


def join(*children: object) -> Markup:
    """Children one after the other; ``None`` is none, and iterables are gone through."""
    parts: list[str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, Markup):
            parts.append(child)
        elif isinstance(child, str):
            parts.append(text(child))
        elif isinstance(child, Iterable):
            parts.append(join(*child))
        else:
            parts.append(text(str(child)))
    return Markup("".join(parts))


def tag(name: str, /, *children: object, **attributes: str | int | float | bool | None) -> Markup:
    """An element.

    Args:
        name: its name, from the code alone.
        *children: what is in it.
        **attributes: by name, ``_`` for ``-`` and at the end of Python's own words; ``None`` and ``False`` are left
            out.
    """
    written = "".join(_attribute(key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def _attribute(name: str, value: str | int | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{text(str(value))}"'
