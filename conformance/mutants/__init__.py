"""Clients that are wrong in one point each: proof that a contract can fail. See ``conformance.mutants.base``."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from conformance.mutants.base import MUTANTS, Mutant


def mutants(release: str | None = None) -> list[Mutant]:
    """Every mutant, by name.

    Args:
        release: only those that are tried on this release.
    """
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return [MUTANTS[name] for name in sorted(MUTANTS) if release in (None, MUTANTS[name].release)]


def __getattr__(name: str) -> Any:
    """The factory of a mutant, so that ``--client conformance.mutants:NAME`` finds it."""
    if not name.startswith("_"):
        mutants()
        if name in MUTANTS:
            return MUTANTS[name].factory
    raise AttributeError(f"no mutant {name!r}")
