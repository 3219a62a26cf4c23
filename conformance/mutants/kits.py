"""Wrong about kits, certificates and the time that a connection may take."""

from __future__ import annotations

import datetime
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography import x509

from conformance.mutants.base import client, mutant, open_reference, unconnected


def _lacks(name: str) -> Callable[[Path], bool]:
    return lambda kit: kit.is_dir() and (kit / "startup").is_dir() and not (kit / "startup" / name).exists()


def _raising(fits: Callable[[Path], bool], error: Callable[[], Exception]) -> Callable[..., Any]:
    """A function that opens a session, and raises another exception than it should for kits of a kind."""

    def opens(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **further: Any) -> Any:
        if secure and fits(Path(kit)):
            raise error()
        return open_reference(username, kit, secure, timeout, **further)

    return opens


def _declare(name: str, fault: str, contract: str, release: str, opens: Callable[..., Any]) -> None:
    opens.__name__, opens.__doc__ = name, fault
    mutant(contract, release=release)(opens)


def _config_error() -> Exception:
    error: Exception = client().ConfigError("the kit is incomplete")
    return error


def _no_json(kit: Path) -> bool:
    try:
        json.loads((kit / "startup" / "fed_admin.json").read_text())
    except FileNotFoundError:
        return False
    except ValueError:
        return True
    return False


for _name, _contract, _release, _fits, _error, _fault in (
    ("gone_kit_is_a_missing_file", "CONN-KIT-01", "2.9", lambda kit: not kit.exists(), FileNotFoundError, "the kit"),
    ("no_certificate_is_a_missing_file", "CONN-KIT-02", "2.6", _lacks("client.crt"), FileNotFoundError, "client.crt"),
    ("no_certificate_is_a_config_error", "CONN-KIT-03", "2.9", _lacks("client.crt"), _config_error, "client.crt"),
    ("no_authority_is_a_missing_file", "CONN-KIT-04", "2.6", _lacks("rootCA.pem"), FileNotFoundError, "rootCA.pem"),
    ("no_authority_is_a_config_error", "CONN-KIT-05", "2.9", _lacks("rootCA.pem"), _config_error, "rootCA.pem"),
    ("no_key_is_a_missing_file", "CONN-KIT-06", "2.6", _lacks("client.key"), FileNotFoundError, "client.key"),
    ("no_key_is_a_config_error", "CONN-KIT-07", "2.9", _lacks("client.key"), _config_error, "client.key"),
    ("no_settings_is_a_config_error", "CONN-KIT-08", "2.9", _lacks("fed_admin.json"), _config_error, "fed_admin.json"),
    (
        "no_settings_is_a_missing_file",
        "CONN-KIT-09",
        "2.7",
        _lacks("fed_admin.json"),
        FileNotFoundError,
        "fed_admin.json",
    ),
    ("no_json_is_a_config_error", "CONN-KIT-10", "2.9", _no_json, _config_error, "JSON in fed_admin.json"),
):
    _kind = "ConfigError" if _error is _config_error else "FileNotFoundError"
    _declare(
        _name, f"It raises a plain {_kind} where {_fault} is missing.", _contract, _release, _raising(_fits, _error)
    )


@mutant("CONN-KIT-11", release="2.9")
def no_local_is_a_config_error(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **more: Any) -> Any:
    """It raises a plain ConfigError where the folder local is missing."""
    if Path(kit).is_dir() and not (Path(kit) / "local").is_dir():
        raise _config_error()
    return open_reference(username, kit, secure, timeout, **more)


@mutant("CONN-KIT-12", release="2.9")
def makes_no_folders(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **more: Any) -> Any:
    """It raises ConfigError where the folder transfer is missing."""
    if (Path(kit) / "startup").is_dir() and (Path(kit) / "local").is_dir() and not (Path(kit) / "transfer").is_dir():
        raise _config_error()
    return open_reference(username, kit, secure, timeout, **more)


@mutant("CONN-KIT-13", release="2.9")
def knows_every_field(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **more: Any) -> Any:
    """It raises ConfigError for a field of fed_admin.json that it does not know."""
    path = Path(kit) / "startup" / "fed_admin.json"
    if path.is_file() and not _no_json(Path(kit)) and "note" in json.loads(path.read_text()).get("admin", {}):
        raise _config_error()
    return open_reference(username, kit, secure, timeout, **more)


@mutant("CONN-KIT-14", release="2.7")
def trusts_edited_kits(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **more: Any) -> Any:
    """It uses a kit whose configuration is not the one that was signed."""
    try:
        return open_reference(username, kit, secure, timeout, **more)
    except client().ConfigError as problem:
        if "signed it" not in str(problem) or _no_json(Path(kit)):
            raise
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(kit, Path(folder) / Path(kit).name))
        (copy / "startup" / "signature.json").unlink()
        return open_reference(username, str(copy), secure, timeout, **more)


def _is_over(kit: Path) -> bool:
    """Whether the certificate of a kit has expired, or does not hold yet."""
    try:
        certificate = x509.load_pem_x509_certificate((kit / "startup" / "client.crt").read_bytes())
    except (OSError, ValueError):
        return False
    now = datetime.datetime.now(datetime.timezone.utc)
    return not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


@mutant("CONN-CERT-02")
def expired_is_fine(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **more: Any) -> Any:
    """It returns a session, though the certificate is over."""
    return unconnected(username, kit) if _is_over(Path(kit)) else open_reference(username, kit, secure, timeout, **more)


@mutant("CONN-CERT-03", release="2.9")
def expired_is_fine_today(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **more: Any) -> Any:
    """It returns a session, though the certificate is over."""
    return expired_is_fine(username, kit, secure, timeout, **more)


def _unfit(word: str, *, session: bool = True) -> Callable[..., Any]:
    """A function that returns a session, or raises a plain ConfigError, where the exception holds a word."""

    def opens(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **further: Any) -> Any:
        try:
            return open_reference(username, kit, secure, timeout, **further)
        except client().ConfigError as problem:
            if word not in str(problem):
                raise
            raise _config_error() from problem
        except client().NoConnection as problem:
            if word not in str(problem) or not session:
                raise
            return unconnected(username, kit)

    return opens


for _name, _fault, _word, _caught in (
    ("trusts_any_server", "It returns a session, though the server's certificate is another CA's.", "VERIFY", "2.6"),
    ("trusts_any_server_today", "It returns a session, though the server is another's.", "VERIFY", "2.9"),
):
    _opens = _unfit(_word)
    _opens.__name__, _opens.__doc__ = _name, _fault
    _ids = ("CONN-CERT-01", "CONN-CERT-06") if _caught == "2.6" else ("CONN-CERT-01", "CONN-CERT-07")
    _also = {"ROBUST-CERT-01": "the certificate is another CA's", "ROBUST-CERT-02": "its time is over"}
    mutant(*_ids, release=_caught, also=_also)(_opens)

for _name, _word, _contract, _release in (
    ("wrong_key_is_a_config_error", "KEY_VALUES_MISMATCH", "CONN-CERT-04", "2.9"),
    ("wrong_key_is_a_config_error_27", "KEY_VALUES_MISMATCH", "CONN-CERT-05", "2.7"),
    ("no_pem_is_a_config_error", "PEM lib", "CONN-CERT-08", "2.6"),
    ("no_pem_is_a_config_error_today", "PEM lib", "CONN-CERT-09", "2.9"),
):
    _what = "the key is another certificate's" if _word.startswith("KEY") else "client.crt holds no certificate"
    _declare(_name, f"It raises a plain ConfigError where {_what}.", _contract, _release, _unfit(_word))


def _kit_owner(kit: str) -> str:
    return Path(kit).name


@mutant("CONN-USER-01")
def knows_its_user(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **more: Any) -> Any:
    """It logs in as the user whose name the kit's folder has, whoever is named."""
    user = _kit_owner(kit) if username == "nobody@example.org" else username
    return open_reference(user, kit, secure, timeout, **more)


@mutant("CONN-USER-02", release="2.9")
def knows_its_user_today(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **more: Any) -> Any:
    """It logs in as the user whose name the kit's folder has, whoever is named."""
    return knows_its_user(username, kit, secure, timeout, **more)


def _hasty(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **more: Any) -> Any:
    return open_reference(username, kit, secure, timeout / 5 if timeout < 1 else timeout, **more)


for _name, _release, _ids in (
    ("gives_up_early", "2.6", ("CONN-TIMEOUT-01", "CONN-TIMEOUT-02")),
    ("gives_up_early_27", "2.7", ("CONN-TIMEOUT-04", "CONN-TIMEOUT-05")),
):

    def _gives_up(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **more: Any) -> Any:
        return _hasty(username, kit, secure, timeout, **more)

    _gives_up.__name__, _gives_up.__doc__ = _name, "It gives up after a fifth of a timeout below one second."
    _also = {"ROBUST-LOGIN-08": "its time to connect is a fifth"} if _release == "2.6" else {}
    mutant(*_ids, release=_release, also=_also)(_gives_up)


@mutant("CONN-TIMEOUT-03")
def no_time_is_some(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **more: Any) -> Any:
    """It takes a timeout that is none for a short one."""
    return open_reference(username, kit, secure, timeout if timeout > 0 else 5.0, **more)
