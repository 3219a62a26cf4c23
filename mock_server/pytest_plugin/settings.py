"""What a test wants of its server, user and client: the keywords of its marks over the ini options."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest

from flare_client.protocol.releases import LATEST, PROFILES, ReleaseProfile, profile_for
from mock_server.clock import Clock
from mock_server.pytest_plugin.clients import DEFAULT_CLIENT, release_of
from mock_server.scenarios import Scenario, ScenarioError
from mock_server.settings import DEFAULT_SITES, clock_of, sites_of

MARK = "flare"
RELEASES_MARK = "flare_releases"
_CLOCKS = "real, virtual (or manual, which is the same), a speed as x100, or a clock with a method time()"


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a test wants.

    Attributes:
        release: the release of the server.
        scheme: how frames travel, from 2.7 on; ``None`` for the usual.
        connection_security: what protects the connection, from 2.7 on; ``None`` for the usual.
        secure: whether certificates are asked for.
        scenario: how jobs fare, users and limits.
        sites: the sites that are connected, where the scenario names none.
        clock: the time of the server.
        faults: what goes wrong from the start, each the arguments of ``server.faults.inject``.
        user: who the kit and the session are of; ``None``: the first user of the scenario, or the usual one.
        org: of the user; ``None``: what the scenario says, or the usual one.
        role: of the user; ``None``: what the scenario says, or project admin.
        client: which client a session is of.
        shared: whether the server may be one that other tests have used.
    """

    release: str
    scheme: str | None
    connection_security: str | None
    secure: bool
    scenario: Scenario
    sites: tuple[str, ...]
    clock: Clock
    faults: tuple[Mapping[str, Any], ...]
    user: str | None
    org: str | None
    role: str | None
    client: str
    shared: bool


_KEYWORDS = (*(field.name for field in dataclasses.fields(Settings)), "pedantic")


def releases_of(item: pytest.Item) -> list[str]:
    """The releases that a test is to be run on, each by itself; none where that is settled otherwise."""
    for parametrised in item.iter_markers("parametrize"):
        names = parametrised.args[0] if parametrised.args else parametrised.kwargs.get("argnames", "")
        if "flare_release" in (names.replace(" ", "").split(",") if isinstance(names, str) else names):
            return []
    mark = item.get_closest_marker(RELEASES_MARK)
    if mark is not None:
        _refuse(mark.kwargs, RELEASES_MARK, ())
        found = list(mark.args) or list(PROFILES)
    elif "release" in _keywords(item):
        return []
    else:
        found = item.config.getini("flare_releases")
    for one in found:
        _split(one)
    return found


def settings_of(item: pytest.Item, release: str | None) -> Settings:
    """What a test wants.

    Args:
        item: the test.
        release: what it was parametrised with.
    """
    keywords, ini = _keywords(item), item.config.getini
    keywords["client"] = keywords.get("client") or ini("flare_client") or DEFAULT_CLIENT
    if release is not None:
        keywords["release"], scheme = _split(release)
        # A scheme in the mark is for the releases that have schemes.
        keywords["scheme"] = scheme or (keywords.get("scheme") if profile_for(keywords["release"]).cell else None)
    if "release" not in keywords:
        keywords["release"] = release_of(keywords["client"]) or LATEST.release
    scenario = _scenario(item, keywords.get("scenario"), str(keywords["release"]))
    return Settings(
        release=str(keywords["release"]),
        scheme=keywords.get("scheme"),
        connection_security=keywords.get("connection_security"),
        secure=keywords.get("secure", True),
        scenario=_pedantic(scenario, keywords.get("pedantic")),
        sites=_sites(keywords.get("sites", DEFAULT_SITES)),
        clock=_clock(keywords.get("clock"), scenario),
        faults=_faults(keywords.get("faults", ())),
        user=keywords.get("user"),
        org=keywords.get("org"),
        role=keywords.get("role"),
        client=keywords["client"],
        shared=keywords.get("shared", ini("flare_shared")),
    )


def _keywords(item: pytest.Item) -> dict[str, Any]:
    """The keywords of all marks of a test; the one that is closest to it counts."""
    found: dict[str, Any] = {}
    for mark in reversed(list(item.iter_markers(MARK))):
        if mark.args:
            _fail(f"expected the mark {MARK} with keywords alone, but got {mark.args[0]!r}")
        _refuse(mark.kwargs, MARK, _KEYWORDS)
        found.update(mark.kwargs)
    return found


def _refuse(keywords: Mapping[str, Any], mark: str, known: tuple[str, ...]) -> None:
    for keyword in keywords:
        if keyword not in known:
            what = f"keywords of {', '.join(known)}" if known else "no keywords"
            _fail(f"expected {what} in the mark {mark}, but got {keyword!r}")


def _split(release: object) -> tuple[str, str | None]:
    """The release and the scheme of ``2.9-tcp``."""
    name, _, scheme = str(release).partition("-")
    _profile(name)
    return name, scheme or None


def _profile(release: str) -> ReleaseProfile:
    try:
        return profile_for(release)
    except ValueError as problem:
        _fail(str(problem))


def _scenario(item: pytest.Item, given: object, release: str) -> Scenario:
    """The scenario of the mark, whose path is relative to the test's file, or of the ini file, beside which it is."""
    _profile(release)
    folder = item.path.parent
    if given is None and (default := item.config.getini("flare_scenario")):
        given, folder = default, (item.config.inipath or item.config.rootpath / "ini").parent
    if isinstance(given, Scenario):
        return given
    if given is not None and not isinstance(given, (dict, str, Path)):
        _fail(f"expected a scenario, its content as a dict, or the path of its file, but got {given!r:.60}")
    try:
        return Scenario.load(folder / given) if isinstance(given, (str, Path)) else Scenario.from_dict(given or {})
    except ScenarioError as problem:
        _fail(str(problem))


def _sites(given: Any) -> tuple[str, ...]:
    try:
        return sites_of(given)
    except (ValueError, TypeError) as problem:
        _fail(f"expected sites as a list of their names, but got {given!r:.60}: {problem}")


def _clock(given: object, scenario: Scenario) -> Clock:
    """The time of the mark, or that of the scenario."""
    if given is not None and not isinstance(given, str) and not callable(getattr(given, "time", None)):
        _fail(f"expected a clock of {_CLOCKS}, but got {given!r}")
    chosen: Any = "virtual" if given == "manual" else given
    try:
        return clock_of(chosen, scenario.clock)
    except ValueError:
        _fail(f"expected a clock of {_CLOCKS}, but got {given!r}")


def _pedantic(scenario: Scenario, given: object) -> Scenario:
    """The scenario, as pedantic as the mark says."""
    if given is None:
        return scenario
    try:
        chosen = Scenario.from_dict({"pedantic": given}).pedantic
    except ScenarioError as problem:
        _fail(str(problem))
    return scenario.model_copy(update={"pedantic": chosen})


def _faults(given: object) -> tuple[Mapping[str, Any], ...]:
    faults = (given,) if isinstance(given, Mapping) else tuple(given) if isinstance(given, (list, tuple)) else (given,)
    for fault in faults:
        if not isinstance(fault, Mapping) or "action" not in fault:
            example = "{'action': 'delay', 'seconds': 2, 'command': 'list_jobs'}"
            _fail(f"expected faults as the arguments of server.faults.inject, as {example}, but got {fault!r}")
    return faults


def _fail(text: str) -> NoReturn:
    pytest.fail(f"flare: {text}", pytrace=False)
