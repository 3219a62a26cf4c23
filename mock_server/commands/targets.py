"""The words after a command that say where it runs: ``server``, ``client [names]`` or ``all``."""

from __future__ import annotations

from mock_server.context import ServerContext, Target
from mock_server.studies import not_enrolled

SERVER = "server"
CLIENT = "client"
ALL = "all"


class TargetError(ValueError):
    """The words name no target; the text is that of the official server."""


def connected(context: ServerContext) -> list[str]:
    """The names of the connected sites."""
    return [site.name for site in context.engine.connected_sites()]


def known_sites(context: ServerContext, names: list[str]) -> tuple[str, ...]:
    """Check names of sites.

    Raises:
        TargetError: a name is not connected.
    """
    here = connected(context)
    unknown = [name for name in names if name not in here]
    if unknown:
        raise TargetError(f"invalid client(s): {' '.join(unknown)}")
    return tuple(dict.fromkeys(names))  # a site is asked once


def in_study(context: ServerContext, sites: tuple[str, ...], study: str, *, needed: bool) -> tuple[str, ...]:
    """Those of the sites that take part in a study; all of them in ``default``.

    Args:
        context: the server.
        sites: their names.
        study: of the session.
        needed: whether there must be one.

    Raises:
        TargetError: none takes part, and one is needed.
    """
    enrolled = context.studies.sites_of(study)
    if enrolled is None:
        return sites
    found = tuple(site for site in sites if site in enrolled)
    if needed and not found:
        raise TargetError(not_enrolled(list(sites), study))
    return found


def read_target(context: ServerContext, words: list[str], study: str) -> Target:
    """Read target words against the sites that are connected now.

    Args:
        context: the server.
        words: after the command.
        study: of the session; other sites than its own are left out.

    Raises:
        TargetError: no word, an unknown word, an unknown site, or no site at all.
    """
    if not words:
        raise TargetError("missing target type (server or client)")
    word = words[0]
    if word == SERVER:
        return Target(server=True, sites=(), word=word)
    if word == ALL:
        sites = in_study(context, tuple(connected(context)), study, needed=False)
        return Target(server=True, sites=sites, word=word)
    if word != CLIENT:
        raise TargetError(f"unknown target type {word}")
    sites = known_sites(context, words[1:]) if len(words) > 1 else tuple(connected(context))
    if not sites:
        raise TargetError("no clients available")
    return Target(server=False, sites=in_study(context, sites, study, needed=True), word=word)


def read_clients(context: ServerContext, names: list[str], study: str) -> tuple[str, ...]:
    """The sites that a command is for which names sites alone; all of them where it names none.

    Raises:
        TargetError: an unknown site, or no site at all.
    """
    return read_target(context, [CLIENT, *names], study).sites
