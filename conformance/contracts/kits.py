"""Startup kits and certificates: what is no kit, and whom the server does not let in."""

from __future__ import annotations

import datetime
from pathlib import Path

from conformance.contract import CELL_RELEASES, NOT_27, SOCKET_RELEASES, Document, Level, Observed, contract
from conformance.contracts.connect import SILENCE, refused
from conformance.needs import Need
from conformance.targets import ADMIN, closed_port
from conformance.timing import measured, not_after
from conformance.trial import Trial

_SEEN = "2.3.12, 2.4.2, 2.5.2, 2.6.3"
_SEEN_CELL = "2.7.3, 2.8.3, 2.9.0"


@contract(
    "CONN-CERT-01",
    "A certificate of another CA",
    "A kit whose certificates are of another CA ends in NoConnection, within the timeout.",
    Document("secure.kit"),
    Observed(_SEEN, "each side refuses the other's certificate"),
    releases=NOT_27,
    needs=(Need.CONTROL,),
)
def foreign(trial: Trial) -> None:
    with trial.own_server() as server, trial.own_server() as other:
        kit = trial.redirected_kit(other.kit(), server.admin_port)
        refused(trial, kit, ADMIN, 1.0, whole=False)


@contract(
    "CONN-CERT-02",
    "A certificate that is over",
    "A kit whose certificate has expired, or does not hold yet, ends in NoConnection, within the timeout.",
    Document("secure.kit"),
    Observed(_SEEN, "the server refuses the certificate"),
    releases=SOCKET_RELEASES,
    needs=(Need.CONTROL,),
)
def expired(trial: Trial) -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    with trial.own_server() as server:
        for dates in ((now - 3 * day, now - day), (now + day, now + 3 * day)):
            kit = server.kit("late@nvidia.com", not_before=dates[0], not_after=dates[1])
            refused(trial, kit, "late@nvidia.com", 1.0, whole=False)


@contract(
    "CONN-KIT-01",
    "No startup kit",
    "A startup kit that is not there is an error at once, before any server is looked for.",
    Document("secure.kit"),
    Observed(_SEEN, "AssertionError"),
    level=Level.SHOULD,
)
def no_kit(trial: Trial) -> None:
    trial.raises(
        ("AssertionError",),
        "a kit that is not there",
        trial.adapter.open,
        trial.target.user,
        Path("/no/such/kit"),
        timeout=5.0,
    )


@contract(
    "CONN-KIT-02",
    "A kit without its certificate",
    "A kit without client.crt is a ConfigError.",
    Document("secure.kit"),
    Observed(_SEEN, "ConfigError"),
    releases=SOCKET_RELEASES,
    level=Level.SHOULD,
)
def no_certificate(trial: Trial) -> None:
    with closed_port() as port:
        kit = trial.redirected_kit(trial.target.kit(), port)
    (kit / "startup" / "client.crt").unlink()
    trial.raises(("ConfigError",), "a kit without client.crt", trial.adapter.open, trial.target.user, kit)


@contract(
    "CONN-CERT-03",
    "A certificate that is over, today",
    f"A kit whose certificate has expired, or does not hold yet, gives no session, and an error within {SILENCE:g} s.",
    Document("secure.kit"),
    Observed(_SEEN_CELL, "the client refuses it itself, or the server does"),
    releases=CELL_RELEASES,
    needs=(Need.CONTROL,),
)
def expired_today(trial: Trial) -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    with trial.own_server() as server:
        for dates in ((now - 3 * day, now - day), (now + day, now + 3 * day)):
            kit = server.kit("late@nvidia.com", not_before=dates[0], not_after=dates[1])
            with measured() as spent:
                trial.raises(
                    ("Exception",),
                    "a certificate that is over",
                    trial.adapter.open,
                    "late@nvidia.com",
                    kit,
                    timeout=2.0,
                )
            not_after(spent, SILENCE, "an exception")


@contract(
    "CONN-KIT-03",
    "A kit without its certificate, today",
    "A kit without client.crt is a FileNotFoundError.",
    Document("secure.kit"),
    Observed(_SEEN_CELL, "FileNotFoundError"),
    releases=CELL_RELEASES,
    level=Level.SHOULD,
)
def no_certificate_today(trial: Trial) -> None:
    kit = trial.copied_kit(trial.target.kit())
    (kit / "startup" / "client.crt").unlink()
    trial.raises(("FileNotFoundError",), "a kit without client.crt", trial.adapter.open, trial.target.user, kit)
