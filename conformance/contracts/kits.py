"""Startup kits and certificates: what is no kit, and whom the server does not let in."""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Callable
from pathlib import Path

from conformance.contract import (
    CELL_RELEASES,
    FROM_28,
    NOT_27,
    SOCKET_RELEASES,
    TO_27,
    Document,
    Level,
    Observed,
    contract,
)
from conformance.contracts.connect import SILENCE, refused
from conformance.needs import Need
from conformance.targets import ADMIN, closed_port
from conformance.timing import measured, not_after
from conformance.trial import Trial
from conformance.verdicts import holds

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


def _broken(trial: Trial, names: tuple[str, ...], what: str, change: Callable[[Path], object]) -> None:
    """Demand that a kit with a fault is refused at once, before any server is looked for."""
    kit = trial.copied_kit(trial.target.kit())
    change(kit)
    trial.raises(names, what, trial.adapter.open, trial.target.user, kit, timeout=5.0)


def _missing(name: str) -> Callable[[Path], object]:
    return lambda kit: (kit / "startup" / name).unlink()


@contract(
    "CONN-KIT-04",
    "A kit without the root CA",
    "A kit without rootCA.pem is a ConfigError.",
    Document("secure.kit"),
    Observed(f"{_SEEN}, 2.7.3", "rootCA.pem does not exist; 2.7: the configuration cannot be verified"),
    releases=TO_27,
    level=Level.SHOULD,
)
def no_authority(trial: Trial) -> None:
    _broken(trial, ("ConfigError",), "a kit without rootCA.pem", _missing("rootCA.pem"))


@contract(
    "CONN-KIT-05",
    "A kit without the root CA, today",
    "A kit without rootCA.pem is a FileNotFoundError.",
    Document("secure.kit"),
    Observed("2.8.3, 2.9.0", "FileNotFoundError"),
    releases=FROM_28,
    level=Level.SHOULD,
)
def no_authority_today(trial: Trial) -> None:
    _broken(trial, ("FileNotFoundError",), "a kit without rootCA.pem", _missing("rootCA.pem"))


@contract(
    "CONN-KIT-06",
    "A kit without its key",
    "A kit without client.key is a ConfigError.",
    Document("secure.kit"),
    Observed(_SEEN, "client.key does not exist"),
    releases=SOCKET_RELEASES,
    level=Level.SHOULD,
)
def no_key(trial: Trial) -> None:
    _broken(trial, ("ConfigError",), "a kit without client.key", _missing("client.key"))


@contract(
    "CONN-KIT-07",
    "A kit without its key, today",
    "A kit without client.key is a FileNotFoundError.",
    Document("secure.kit"),
    Observed(_SEEN_CELL, "FileNotFoundError"),
    releases=CELL_RELEASES,
    level=Level.SHOULD,
)
def no_key_today(trial: Trial) -> None:
    _broken(trial, ("FileNotFoundError",), "a kit without client.key", _missing("client.key"))


@contract(
    "CONN-KIT-08",
    "A kit without its configuration",
    "A kit without fed_admin.json is a FileNotFoundError.",
    Document("secure.kit"),
    Observed(f"{_SEEN}, 2.8.3, 2.9.0", "config_file_names ... does not exist"),
    releases=NOT_27,
    level=Level.SHOULD,
)
def no_configuration(trial: Trial) -> None:
    _broken(trial, ("FileNotFoundError",), "a kit without fed_admin.json", _missing("fed_admin.json"))


@contract(
    "CONN-KIT-09",
    "A kit without its configuration (2.7)",
    "A kit without fed_admin.json, or with one that is no JSON, is a ConfigError.",
    Observed("2.7.3", "invalid fed_admin.json: NO_SUCH_CONTENT, INVALID_CONTENT"),
    releases=("2.7",),
    level=Level.SHOULD,
)
def no_configuration_27(trial: Trial) -> None:
    _broken(trial, ("ConfigError",), "a kit without fed_admin.json", _missing("fed_admin.json"))
    _broken(trial, ("ConfigError",), "a fed_admin.json that is no JSON", _no_json)


def _no_json(kit: Path) -> None:
    (kit / "startup" / "fed_admin.json").write_text("{")


@contract(
    "CONN-KIT-10",
    "A configuration that is no JSON",
    "A kit whose fed_admin.json is no JSON is a ValueError.",
    Document("secure.kit"),
    Observed(f"{_SEEN}, 2.8.3, 2.9.0", "JSONDecodeError, which is one"),
    releases=NOT_27,
    level=Level.SHOULD,
)
def no_json(trial: Trial) -> None:
    _broken(trial, ("ValueError",), "a fed_admin.json that is no JSON", _no_json)


@contract(
    "CONN-KIT-11",
    "A folder that is no kit",
    "A folder without startup, or without local, is a RuntimeError.",
    Document("secure.kit"),
    Observed(f"{_SEEN}, {_SEEN_CELL}", "invalid workspace ...: missing startup folder; missing site config folder"),
    level=Level.SHOULD,
)
def no_folders(trial: Trial) -> None:
    _broken(trial, ("RuntimeError",), "a kit without startup", lambda kit: shutil.rmtree(kit / "startup"))
    _broken(trial, ("RuntimeError",), "a kit without local", lambda kit: shutil.rmtree(kit / "local"))


@contract(
    "CONN-KIT-12",
    "A kit without a transfer folder",
    "The folder for uploads and downloads is made where a kit has none.",
    Document("session.startup_path"),
    Document("download.small"),
    Observed(f"{_SEEN}, {_SEEN_CELL}", "the client makes it"),
)
def no_transfer(trial: Trial) -> None:
    kit = trial.copied_kit(trial.target.kit())
    shutil.rmtree(kit / "transfer")
    session = trial.adapter.open(trial.target.user, kit, timeout=15.0)
    holds(isinstance(session.call("list_jobs", limit=1), list), "a list of jobs", "something else")
    session.close()
    holds((kit / "transfer").is_dir(), "a folder transfer in the kit", "none")


def _note(kit: Path) -> None:
    path = kit / "startup" / "fed_admin.json"
    document = json.loads(path.read_text())
    document["admin"]["note"] = "of no meaning"
    path.write_text(json.dumps(document))


@contract(
    "CONN-KIT-13",
    "Fields that nobody knows",
    "Fields of fed_admin.json that the client does not know are ignored.",
    Document("session.startup_path"),
    Observed(f"{_SEEN}, 2.8.3, 2.9.0", "a further field changes nothing"),
    releases=NOT_27,
    level=Level.SHOULD,
)
def unknown_field(trial: Trial) -> None:
    kit = trial.copied_kit(trial.target.kit())
    _note(kit)
    session = trial.adapter.open(trial.target.user, kit, timeout=15.0)
    holds(isinstance(session.call("list_jobs", limit=1), list), "a list of jobs", "something else")
    session.close()


@contract(
    "CONN-KIT-14",
    "A signed kit that was edited",
    "A kit whose fed_admin.json is not the one that was signed is a ConfigError.",
    Observed("2.7.3", "invalid fed_admin.json: INVALID_SIGNATURE; provisioning of 2.8 and 2.9 signs no kits"),
    releases=("2.7",),
    needs=(Need.CONTROL,),
)
def edited(trial: Trial) -> None:
    _broken(trial, ("ConfigError",), "an edited fed_admin.json", _note)


@contract(
    "CONN-CERT-04",
    "A key of another certificate",
    "A key that does not belong to the certificate ends in NoConnection, within the timeout.",
    Document("secure.kit"),
    Observed(f"{_SEEN}, 2.8.3, 2.9.0", "TLS cannot begin"),
    releases=NOT_27,
    needs=(Need.CONTROL,),
)
def key_of_another(trial: Trial) -> None:
    _with_key_of_another(trial, "NoConnection")


@contract(
    "CONN-CERT-05",
    "A key of another certificate (2.7)",
    "A key that does not belong to the certificate ends in FLCommunicationError, within the timeout.",
    Document("secure.kit"),
    Observed("2.7.3", "cannot connect to server for N seconds"),
    releases=("2.7",),
    needs=(Need.CONTROL,),
)
def key_of_another_27(trial: Trial) -> None:
    _with_key_of_another(trial, "FLCommunicationError")


def _with_key_of_another(trial: Trial, name: str) -> None:
    with trial.own_server() as server:
        kit = trial.copied_kit(server.kit())
        shutil.copy(server.kit("lead@nvidia.com", role="lead") / "startup" / "client.key", kit / "startup")
        refused(trial, kit, ADMIN, 1.0, whole=False, names=(name,))


@contract(
    "CONN-CERT-06",
    "The root CA of another server",
    "A kit with another project's rootCA.pem ends in NoConnection, within the timeout: the client checks the server.",
    Document("secure.kit"),
    Observed(_SEEN, "the client refuses the server's certificate"),
    releases=SOCKET_RELEASES,
    needs=(Need.CONTROL,),
)
def authority_of_another(trial: Trial) -> None:
    with trial.own_server() as server, trial.own_server() as other:
        kit = trial.copied_kit(server.kit())
        shutil.copy(other.kit() / "startup" / "rootCA.pem", kit / "startup")
        refused(trial, kit, ADMIN, 1.0, whole=False)


@contract(
    "CONN-CERT-07",
    "The root CA of another server, today",
    f"A kit with another project's rootCA.pem gives no session, and an error within {SILENCE:g} s.",
    Document("secure.kit"),
    Observed(_SEEN_CELL, "2.7: ConfigError, for the kit is signed; 2.8: InvalidSignature; 2.9: InvalidCertChain"),
    releases=CELL_RELEASES,
    needs=(Need.CONTROL,),
)
def authority_of_another_today(trial: Trial) -> None:
    with trial.own_server() as server, trial.own_server() as other, measured() as spent:
        kit = trial.copied_kit(server.kit())
        shutil.copy(other.kit() / "startup" / "rootCA.pem", kit / "startup")
        trial.raises(("Exception",), "another project's root CA", trial.adapter.open, ADMIN, kit, timeout=2.0)
    not_after(spent, SILENCE, "an exception")


@contract(
    "CONN-CERT-08",
    "A certificate that is none",
    "A kit whose client.crt holds no certificate ends in NoConnection, within the timeout.",
    Document("secure.kit"),
    Observed(_SEEN, "NoConnection after the whole timeout"),
    releases=SOCKET_RELEASES,
    level=Level.SHOULD,
    needs=(Need.CONTROL,),
)
def no_pem(trial: Trial) -> None:
    with trial.own_server() as server:
        kit = trial.copied_kit(server.kit())
        (kit / "startup" / "client.crt").write_text("no certificate")
        refused(trial, kit, ADMIN, 1.0, whole=False)


@contract(
    "CONN-CERT-09",
    "A certificate that is none, today",
    "A kit whose client.crt holds no certificate is a ValueError.",
    Document("secure.kit"),
    Observed(_SEEN_CELL, "Unable to load PEM file"),
    releases=CELL_RELEASES,
    level=Level.SHOULD,
)
def no_pem_today(trial: Trial) -> None:
    _broken(
        trial,
        ("ValueError",),
        "a client.crt without a certificate",
        lambda kit: (kit / "startup" / "client.crt").write_text("no certificate"),
    )
