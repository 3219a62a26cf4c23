"""How a broken kit is made: ordered wrongly, as by a provisioning that went wrong, or damaged once it was written."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import json
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from flare_client.protocol.kit import ADMIN_CONFIG_FILE, STARTUP_DIR
from mock_server.files import SHARED, write_atomically
from mock_server.kits import KitOrder, write_admin_kit
from mock_server.pki import Credentials, Pki


class Part(enum.Enum):
    """Which part of a kit is broken; the value is a title."""

    FILES = "Files"
    CONFIGURATION = "fed_admin.json"
    CERTIFICATE = "Certificate and key"
    ADDRESS = "Address and transport"
    SIGNATURE = "Signatures"


class Workshop:
    """Where one broken kit is made: the order, and a stranger's authority where one is needed.

    Args:
        order: the kit as it should be.
    """

    def __init__(self, order: KitOrder) -> None:
        self.order = order
        self._stranger: Pki | None = None
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> Workshop:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    @property
    def stranger(self) -> Pki:
        """An authority of the same name, as of a project that was provisioned once more from the beginning."""
        if self._stranger is None:
            project = self.order.pki.project if self.order.pki is not None else "example_project"
            self._stranger = Pki.foreign(project)
            self._cleanup.callback(self._stranger.close)
        return self._stranger

    def issued_by(self, pki: Pki, name: str | None = None) -> Credentials:
        """Issue the certificate of the user whom the order names.

        Args:
            pki: who issues it.
            name: another user.
        """
        return pki.issue_user(name or self.order.user, self.order.org, self.order.role)


Order = Callable[[Workshop], KitOrder]
Damage = Callable[[Path, Workshop], None]


def as_ordered(workshop: Workshop) -> KitOrder:
    """The kit as it should be."""
    return workshop.order


def undamaged(kit: Path, workshop: Workshop) -> None:
    """Leave a kit as it was written."""


@dataclasses.dataclass(frozen=True)
class BrokenKit:
    """One way in which a kit may be broken.

    Attributes:
        name: in words with dashes.
        what: a sentence for readers.
        part: which part of the kit it is.
        order: what is ordered instead of the right kit.
        damage: what happens to the kit once it is written.
        releases: the release lines whose kits can be broken so; empty for all.
    """

    name: str
    what: str
    part: Part
    order: Order = as_ordered
    damage: Damage = undamaged
    releases: tuple[str, ...] = ()

    def fits(self, release: str) -> bool:
        """Whether a kit of a release line can be broken so."""
        return not self.releases or release in self.releases


def write_broken(broken: BrokenKit, directory: Path, order: KitOrder) -> Path:
    """Write a kit that is broken in one way, and in no other.

    Args:
        broken: how.
        directory: the kit root, by custom named like the user.
        order: the kit as it should be.

    Returns:
        The kit root.

    Raises:
        ValueError: a kit of that release cannot be broken so, or there is no TLS.
        PkiError: a certificate cannot be issued.
    """
    if not broken.fits(order.profile.release):
        raise ValueError(
            f"expected a kit of release {', '.join(broken.releases)} to be broken by {broken.name!r}, "
            f"but got one of {order.profile.release}"
        )
    if order.pki is None:
        raise ValueError(f"expected the kit of a secure server to be broken by {broken.name!r}: see secure")
    with Workshop(order) as workshop:
        kit = write_admin_kit(directory, broken.order(workshop))
        broken.damage(kit, workshop)
    return kit


def write_broken_kit(name: str, directory: Path, order: KitOrder) -> Path:
    """Write a kit that is broken in the way that a name says; otherwise as ``write_broken``.

    Raises:
        ValueError: no way has that name, too.
    """
    from mock_server.broken_kits.registry import BROKEN_KITS  # noqa: PLC0415 - the registry is made of what is here

    if name not in BROKEN_KITS:
        raise ValueError(f"expected a way to break a kit of {', '.join(BROKEN_KITS)}, but got {name!r}")
    return write_broken(BROKEN_KITS[name], directory, order)


def edit(kit: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the ``admin`` object of a kit's ``fed_admin.json``, as by hand.

    Args:
        kit: the kit root.
        change: takes the object.
    """
    path = kit / STARTUP_DIR / ADMIN_CONFIG_FILE
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document["admin"])
    write_atomically(path, json.dumps(document, indent=2).encode(), SHARED)
