"""What a server is set up to be, read from what its maker gave."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from flare_client.protocol.cellnet.kit import Scheme, Security
from flare_client.protocol.limits import Limits
from flare_client.protocol.releases import LATEST, ReleaseProfile, profile_for
from mock_server.chronicle import Chronicle
from mock_server.clock import Clock, RealClock, ScaledClock, read_clock
from mock_server.faults.actions import Action, WrongCertificate, WrongSignature, kind_of
from mock_server.faults.course import Point
from mock_server.faults.rules import Rule
from mock_server.pki import Pki
from mock_server.policy import AUTHORIZATION_FILE, DEFAULT_POLICY, Policy
from mock_server.scenarios import Scenario, ScenarioError, library
from mock_server.scenarios.system import ClockSpec, check_site_names
from mock_server.server_kit import ServerKit, read_server_kit
from mock_server.state import State
from mock_server.transcript import Calls, Transcript
from mock_server.variation.pedantry import Pedantry, read_pedantry

_Member = TypeVar("_Member", bound=enum.Enum)

DEFAULT_ORG = "nvidia"
DEFAULT_PROJECT = "example_project"
DEFAULT_SITES = ("site-1", "site-2")


@dataclasses.dataclass(frozen=True)
class Settings:
    """All that a server needs to know before it starts, or starts over.

    Attributes:
        profile: the release that is played.
        scheme: how frames travel; ``None`` in releases with the socket dialect.
        security: what protects the connection.
        scenario: how jobs fare, users and limits.
        policy: who may do what on the server.
        clock: the time of the simulation.
        transcript: is told what happens.
        calls: is told which commands came.
        chronicle: is told what happens to jobs, sites and the server.
        host: the address to bind to.
        site_names: the sites, where the scenario names none.
        limits: how much a client may send.
        stall_timeout: seconds for a sign of life.
        pki: the certificates; ``None`` for an insecure server.
        name: the name of the server.
        pedantry: what it varies on purpose; ``None``: nothing.
        state: where all is kept that clients were told; ``None``: nowhere.
    """

    profile: ReleaseProfile
    scheme: Scheme | None
    security: Security
    scenario: Scenario
    policy: Policy
    clock: Clock
    transcript: Transcript
    calls: Calls
    chronicle: Chronicle
    host: str
    site_names: tuple[str, ...]
    limits: Limits
    stall_timeout: float
    pki: Pki | None
    name: str
    pedantry: Pedantry | None = None
    state: State | None = None

    @property
    def idle_timeout(self) -> float:
        """Seconds after which a session that asks nothing ends."""
        chosen = self.scenario.idle_timeout
        return self.profile.idle_timeout if chosen is None else chosen

    @property
    def org(self) -> str:
        """The organisation of the server, which counts in authorisation."""
        return self.pki.server_org if self.pki is not None else DEFAULT_ORG

    @property
    def project(self) -> str:
        """The name of the project."""
        return self.pki.project if self.pki is not None else DEFAULT_PROJECT


def clock_of(clock: Clock | str | None, spec: ClockSpec) -> Clock:
    """The time of a server: what its maker gave, or that of the scenario."""
    if isinstance(clock, str):
        return read_clock(clock, spec.start)
    if clock is not None:
        return clock
    if spec.speed == "virtual":
        return read_clock("virtual", spec.start)
    if spec.speed == 1.0 and spec.start is None:
        return RealClock()
    return ScaledClock(spec.speed, spec.start)


def given_kit(location: str | Path | None, *, secure: bool, beside: dict[str, object]) -> ServerKit | None:
    """The server's kit that was given, read.

    Args:
        location: the kit root.
        secure: whether the server is to be secure.
        beside: what was given beside it that the kit says, by the name of the argument; ``None`` for nothing.

    Raises:
        ValueError: the kit is unusable, or something beside it contradicts it.
    """
    if location is None:
        return None
    if not secure:
        raise ValueError("expected a secure server with a server_kit, which is one")
    given = [name for name, value in beside.items() if value is not None]
    if given:
        raise ValueError(f"expected no {', '.join(given)} beside a server_kit, which says so itself")
    return read_server_kit(location)


def release_of(release: str | None, kit: ServerKit | None) -> ReleaseProfile:
    """The release that is played.

    Args:
        release: what was asked for.
        kit: the server's kit, if there is one.

    Raises:
        ValueError: there is no such release, the kit is of another wire, or does not tell.
    """
    if kit is None:
        return profile_for(release or LATEST.release)
    if release is None:
        if len(kit.releases) > 1:
            raise ValueError(
                f"the kit in {kit.root} does not tell which of the releases {', '.join(kit.releases)} made it: say "
                f"release='{kit.releases[-1]}' (flare-mock serve --release), or whichever your clients have"
            )
        return profile_for(kit.releases[0])
    profile = profile_for(release)
    if (profile.cell is not None) != (kit.scheme is not None):
        raise ValueError(
            f"expected release {', '.join(kit.releases)}, or another of the same wire, for the kit in {kit.root}, "
            f"but got {release!r}: clients of {'2.7 and later' if profile.cell else 'releases to 2.6'} read other kits"
        )
    return profile


def project_of(project: str | None, kit: ServerKit | None) -> str:
    """The name of the project."""
    return kit.project if kit is not None else DEFAULT_PROJECT if project is None else project


def sites_of(sites: Sequence[str]) -> tuple[str, ...]:
    """The names of the sites, read.

    Raises:
        ValueError: no sites can have them.
    """
    check_site_names(sites)
    return tuple(sites)


def scheme_of(profile: ReleaseProfile, scheme: str | None, secure: bool) -> Scheme | None:
    """How frames travel, read; ``None`` in releases with the socket dialect.

    Raises:
        ValueError: the release has no such scheme, or no insecure servers.
    """
    if profile.cell is None:
        if scheme is not None:
            raise ValueError(f"expected no scheme for release {profile}, which has one wire, but got {scheme!r}")
        return None
    if not secure:
        raise ValueError(f"expected a secure server of release {profile}: it signs with its certificate even in clear")
    return _member(Scheme, "scheme", scheme or Scheme.HTTP.value)


def security_of(profile: ReleaseProfile, security: str | None) -> Security:
    """What protects the connection, read.

    Raises:
        ValueError: the release has no choice, or no such one.
    """
    if profile.cell is None and security is not None:
        raise ValueError(f"expected no connection_security for release {profile}, but got {security!r}: see secure")
    return _member(Security, "connection_security", security or Security.MUTUAL_TLS.value)


def _member(kind: type[_Member], what: str, given: str) -> _Member:
    try:
        return kind(given)
    except ValueError:
        known = ", ".join(str(one.value) for one in kind)
        raise ValueError(f"expected a {what} of {known}, but got {given!r}") from None


def scenario_of(scenario: Scenario | str | Path | dict[str, Any] | None, profile: ReleaseProfile) -> Scenario:
    """A scenario, read and held against what the release can do.

    Raises:
        ScenarioError: it is unusable.
    """
    if scenario is None:
        return Scenario()
    if isinstance(scenario, dict):
        scenario = Scenario.from_dict(scenario)
    elif not isinstance(scenario, Scenario):
        scenario = library.find(scenario)
    for rule in scenario.faults:
        try:
            check_fault(rule, profile, None)
        except ValueError as problem:
            raise ScenarioError(f"faults: {problem}") from None
    if scenario.studies and not profile.has_studies:
        raise ScenarioError(f"expected a scenario without studies, as release {profile.release} has none")
    return scenario


def policy_of(
    authorization: Policy | str | Path | dict[str, Any] | None,
    scenario: Scenario,
    workspace: str | Path | None,
    kit: ServerKit | None = None,
) -> Policy:
    """The policy of the server: what was given, then the scenario's, the file in its workspace, that of its kit."""
    if isinstance(authorization, Policy):
        return authorization
    if isinstance(authorization, (str, Path)):
        return Policy.load(authorization)
    if authorization is not None:
        return Policy(authorization)
    if scenario.server.authorization is not None:
        return Policy(scenario.server.authorization)
    placed = Path(workspace) / "local" / AUTHORIZATION_FILE if workspace is not None else None
    if placed is not None and placed.is_file():
        return Policy.load(placed)
    return Policy.load(kit.authorization) if kit is not None and kit.authorization is not None else DEFAULT_POLICY


def check_authority(rule: Rule, pki: Pki | None) -> None:
    """Refuse a fault for which a certificate would have to be issued that cannot be.

    Raises:
        ValueError: the key of the CA is not there.
    """
    action = rule.action
    needs_key = isinstance(action, WrongSignature) or (
        isinstance(action, WrongCertificate) and action.wrong != "authority"
    )
    if needs_key and pki is not None and not pki.has_ca_key:
        raise ValueError(
            f"expected a server with the key of its CA for the fault {action.kind!r}, but the server's kit has none"
        )


def pedantry_of(given: Pedantry | int | bool | None, scenario: Scenario) -> Pedantry | None:
    """What the server varies: what was given, or what the scenario says where nothing was.

    Raises:
        ValueError: it is no seed, nor anything else that says so.
    """
    if given is None and scenario.pedantic is not None:
        return scenario.pedantic.pedantry()
    return read_pedantry(given)


def check_fault(rule: Rule, profile: ReleaseProfile, scheme: Scheme | None) -> None:
    """Refuse a fault that a server cannot have.

    Raises:
        ValueError: its release or its scheme lacks what would go wrong.
    """
    if profile.cell is None and rule.point is Point.UPLOAD:
        raise ValueError(_too_old(rule.action.kind, profile))
    check_kind(type(rule.action), profile, scheme)


def check_kind(action: type[Action], profile: ReleaseProfile, scheme: Scheme | None) -> None:
    """Refuse what cannot go wrong on a server, whenever it would strike.

    Raises:
        ValueError: its release or its scheme lacks what would go wrong.
    """
    kind = kind_of(action)
    if profile.cell is None and action.needs_cells:
        raise ValueError(_too_old(kind, profile))
    if scheme is Scheme.GRPC and kind in ("certificate", "old_tls"):
        raise ValueError(
            f"expected a fault that the scheme grpc can have, but {kind!r} is of TLS, which gRPC does itself"
        )


def _too_old(kind: str, profile: ReleaseProfile) -> str:
    return f"expected a fault that release {profile.release} can have, but {kind!r} is of 2.7 and later"
