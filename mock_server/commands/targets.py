"""The words after a command that say where it runs: ``server``, ``client [names]`` or ``all``."""

from __future__ import annotations

from mock_server.context import ServerContext, Target

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
    return tuple(names)


def read_target(context: ServerContext, words: list[str]) -> Target:
    """Read target words against the sites that are connected now.

    Raises:
        TargetError: no word, an unknown word, an unknown site, or no site at all.
    """
    if not words:
        raise TargetError("missing target type (server or client)")
    word = words[0]
    if word == SERVER:
        return Target(server=True, sites=(), word=word)
    if word == ALL:
        return Target(server=True, sites=tuple(connected(context)), word=word)
    if word != CLIENT:
        raise TargetError(f"unknown target type {word}")
    sites = known_sites(context, words[1:]) if len(words) > 1 else tuple(connected(context))
    if not sites:
        raise TargetError("no clients available")
    return Target(server=False, sites=sites, word=word)
