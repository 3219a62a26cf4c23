"""The format of an admin startup kit: names of its files, the content of ``fed_admin.json`` read and written.

Text in, text out: whoever opens the files knows folders and paths, this module does not. It must not know whether a
named certificate exists, nor how one is made.

Source: kits of official provisioning 2.3-2.6, and what the official clients 2.3.12, 2.4.2, 2.5.2 and 2.6.3 do with
each field when it is missing or wrong (observed, one field at a time).
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for who writes kits; who reads them need not load the releases
    from flare_client.protocol.releases import ReleaseProfile

STARTUP_DIR = "startup"
"""What provisioning wrote. Required."""
LOCAL_DIR = "local"
"""What the site adds; empty for most admins, but official clients refuse a kit without it."""
TRANSFER_DIR = "transfer"
"""The usual upload and download folder; the client makes it."""

ADMIN_CONFIG_FILE = "fed_admin.json"
CA_CERT_FILE = "rootCA.pem"
CLIENT_CERT_FILE = "client.crt"
CLIENT_KEY_FILE = "client.key"
LAUNCHER_FILE = "fl_admin.sh"
README_FILE = "readme.txt"
KIT_SIGNATURE_FILE = "signature.json"

MAX_CONFIG_LENGTH = 1024 * 1024
"""Characters of a ``fed_admin.json``; an official one has about 600."""

DUMMY_AGENT = "nvflare.ha.dummy_overseer_agent.DummyOverseerAgent"
"""The agent of every kit without high availability: it always reports the one server of ``sp_end_point``."""

INSECURE_USER = "admin"
"""The one user of every official insecure kit and server."""
INSECURE_PASSWORD = "admin"  # noqa: S105 - fixed, in every official insecure server
"""The password of ``INSECURE_USER``."""

_HA_AGENT_CLASS = "HttpOverseerAgent"
_DUMMY_AGENT_ARGS = frozenset({"sp_end_point", "heartbeat_interval"})
_CERTIFICATE_FIELDS = ("ca_cert", "client_cert", "client_key")
_POC_HEARTBEAT = 6
_MAX_SHOWN = 120


class KitFormatError(ValueError):
    """A ``fed_admin.json`` that no client can work with.

    Attributes:
        field: the dotted name of the field, or ``""`` for the document as a whole.
        expected: what should stand there.
        got: what stands there.
        official: the name of the class that the official client raises for the same fault: ``ConfigError``,
            ``RuntimeError``, ``TypeError`` or ``ValueError`` (the nearest of them where it raises none of them).
    """

    def __init__(self, field: str, expected: str, got: str, official: str = "ConfigError") -> None:
        place = f"{field}: " if field else ""
        super().__init__(f"{place}expected {expected}, but got {got}")
        self.field = field
        self.expected = expected
        self.got = got
        self.official = official


@dataclasses.dataclass(frozen=True)
class AdminKitConfig:
    """What a ``fed_admin.json`` says to a client of the API.

    Attributes:
        host: where the server is, as name or IPv4 address.
        fl_port: the port that sites connect to.
        admin_port: the port that admin clients of the socket dialect connect to.
        with_ssl: whether the kit is made for mutual TLS.
        upload_dir: where relative job folders are looked up; relative to the kit root, or absolute.
        download_dir: where results go; relative to the kit root, or absolute.
        ca_cert: the file of the root CA, relative to ``startup``; like the next two ``None`` without TLS.
        client_cert: the file of the user's certificate.
        client_key: the file of its key.
        heartbeat_interval: seconds between two looks for the primary server; ``None`` where the release's default
            holds. The address in a kit never changes, so nothing here depends on it.
    """

    host: str
    fl_port: int
    admin_port: int
    with_ssl: bool
    upload_dir: str
    download_dir: str
    ca_cert: str | None
    client_cert: str | None
    client_key: str | None
    heartbeat_interval: float | None


def shown(value: object) -> str:
    """A value of a kit as messages show it."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def load_document(text: str) -> Mapping[str, object]:
    """Read the JSON object that a file of a kit holds.

    Raises:
        KitFormatError: it is too long, or no object.
    """
    if len(text) > MAX_CONFIG_LENGTH:
        raise KitFormatError("", f"at most {MAX_CONFIG_LENGTH:,} characters", f"{len(text):,}", "ValueError")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as problem:
        # The official error is json's own, a ValueError.
        raise KitFormatError("", "a JSON object", f"text that is no JSON ({problem})", "ValueError") from problem
    if not isinstance(document, dict):
        raise KitFormatError("", "a JSON object", shown(document), "ValueError")
    return document


def read_folder(admin: Mapping[str, object], field: str) -> str:
    """Read the name of a folder.

    Raises:
        KitFormatError: there is none.
    """
    value = admin.get(field)
    if not value and value != "":
        raise KitFormatError(
            f"admin.{field}", "a folder name", shown(value) if field in admin else "nothing", "TypeError"
        )
    if not isinstance(value, str) or not value:
        raise KitFormatError(f"admin.{field}", "a folder name", shown(value), "ValueError")
    return value


def _certificate_names(admin: Mapping[str, object]) -> dict[str, str | None]:
    if not admin.get("with_ssl"):
        # Official clients forget the three names then, whatever they are.
        return dict.fromkeys(_CERTIFICATE_FIELDS)
    names: dict[str, str | None] = {}
    for field in _CERTIFICATE_FIELDS:
        value = admin.get(field, "")
        if value in ("", [], {}):
            raise KitFormatError(f"admin.{field}", "a file name, since with_ssl is set", "nothing")
        if not isinstance(value, str):
            raise KitFormatError(f"admin.{field}", "a file name", shown(value), "ValueError" if value else "TypeError")
        names[field] = value
    return names


def _agent_class(agent: Mapping[str, object]) -> str:
    """The class path of the overseer agent; any class will do that takes ``sp_end_point``.

    2.3 and 2.4 also accept the bare name of an official class under ``name``.
    """
    field = "admin.overseer_agent.path"
    if "path" in agent:
        path = agent["path"]
        if not isinstance(path, str) or not re.fullmatch(r"[^.\s]+(\.[^.\s]+)+", path):
            raise KitFormatError(field, f"a dotted class path, such as {DUMMY_AGENT}", shown(path))
        return path
    name = agent.get("name")
    if name not in (DUMMY_AGENT.rpartition(".")[2], _HA_AGENT_CLASS):
        raise KitFormatError(field, f"a dotted class path, such as {DUMMY_AGENT}", "nothing")
    return f"nvflare.ha.{name}"


def _agent_args(admin: Mapping[str, object]) -> Mapping[str, object]:
    field = "admin.overseer_agent"
    agent = admin.get("overseer_agent")
    if not agent:
        raise KitFormatError(field, "an object with path and args", "nothing", "TypeError")
    if not isinstance(agent, dict):
        raise KitFormatError(field, "an object with path and args", shown(agent))
    if agent.get("disabled") is True:
        raise KitFormatError(field, "an agent that is enabled", "disabled: true", "TypeError")
    class_name = _agent_class(agent).rpartition(".")[2]
    if class_name == _HA_AGENT_CLASS:
        raise KitFormatError(
            f"{field}.path",
            f"a kit for one server ({DUMMY_AGENT}); kits for high availability are not supported",
            class_name,
        )
    args = agent.get("args", {})
    if not isinstance(args, dict):
        raise KitFormatError(f"{field}.args", "an object with sp_end_point", shown(args))
    unknown = sorted(set(args) - _DUMMY_AGENT_ARGS)
    if unknown and class_name == DUMMY_AGENT.rpartition(".")[2]:
        # The other fields of the kit may hold anything; these become arguments of a constructor.
        raise KitFormatError(f"{field}.args", "sp_end_point and heartbeat_interval only", ", ".join(unknown))
    return args


def _port(text: str, whole: str) -> int:
    field = "admin.overseer_agent.args.sp_end_point"
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise KitFormatError(field, "host:port:port with ports from 1 to 65535", shown(whole))
    return int(text)


def _end_point(args: Mapping[str, object]) -> tuple[str, int, int]:
    field = "admin.overseer_agent.args.sp_end_point"
    value = args.get("sp_end_point")
    if value is None:
        raise KitFormatError(field, "host:port:port", "nothing")
    if not isinstance(value, str) or value.count(":") != 2:
        raise KitFormatError(field, "host:port:port", shown(value))
    host, fl_port, admin_port = value.split(":")
    if not host or host != host.strip():
        raise KitFormatError(field, "host:port:port with a host", shown(value))
    return host, _port(fl_port, value), _port(admin_port, value)


def _heartbeat(args: Mapping[str, object]) -> float | None:
    value = args.get("heartbeat_interval")
    # Official clients take any value here and work with the address all the same.
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:  # JSON has whole numbers of any length
        return math.inf if value > 0 else -math.inf


def parse_admin_config(text: str) -> AdminKitConfig:
    """Read the content of a ``fed_admin.json``.

    As official clients do: unknown fields and ``format_version`` are ignored, the last of two equal keys counts.

    Args:
        text: the whole content of the file.

    Raises:
        KitFormatError: a field that every client needs is missing or unusable.
    """
    document = load_document(text)
    if not isinstance(document.get("admin"), dict):
        raise KitFormatError("admin", "an object", shown(document.get("admin", "nothing")), "ValueError")
    admin = document["admin"]
    if not isinstance(admin, dict) or not admin:
        raise KitFormatError("admin", "an object with fields", "an empty one")
    agent_args = _agent_args(admin)
    host, fl_port, admin_port = _end_point(agent_args)
    return AdminKitConfig(
        host=host,
        fl_port=fl_port,
        admin_port=admin_port,
        with_ssl=bool(admin.get("with_ssl")),
        **_certificate_names(admin),
        download_dir=read_folder(admin, "download_dir"),
        upload_dir=read_folder(admin, "upload_dir"),
        heartbeat_interval=_heartbeat(agent_args),
    )


def _agent(args: dict[str, object]) -> dict[str, object]:
    return {"overseer_agent": {"args": args, "path": DUMMY_AGENT}}


def _secure_document(end_point: str) -> dict[str, object]:
    admin: dict[str, object] = {
        "with_file_transfer": True,
        "upload_dir": TRANSFER_DIR,
        "download_dir": TRANSFER_DIR,
        "with_login": True,
        "with_ssl": True,
        "cred_type": "cert",
        "client_key": CLIENT_KEY_FILE,
        "client_cert": CLIENT_CERT_FILE,
        "ca_cert": CA_CERT_FILE,
        "prompt": "> ",
    }
    return {"format_version": 1, "admin": admin | _agent({"sp_end_point": end_point})}


def _insecure_document(end_point: str, profile: ReleaseProfile) -> dict[str, object]:
    admin: dict[str, object] = {
        "with_file_transfer": True,
        "upload_dir": TRANSFER_DIR,
        "download_dir": TRANSFER_DIR,
        "cred_type": "password",
        "prompt": "> ",
    }
    args: dict[str, object] = {"sp_end_point": end_point}
    if profile.poc_is_insecure:
        args["heartbeat_interval"] = _POC_HEARTBEAT
    return {"format_version": 2, "admin": admin | _agent(args)}


def render_admin_config(profile: ReleaseProfile, host: str, fl_port: int, admin_port: int, secure: bool) -> str:
    """Write the content of a ``fed_admin.json`` as the official provisioning of a release does.

    Secure kits are the same in all four releases. The insecure form is that of the 2.3 proof-of-concept kit; later
    releases write none, but their clients work with it (observed), so it lacks only the heartbeat interval there.

    Args:
        profile: the release.
        host: the name or IPv4 address that clients connect to.
        fl_port: the port that sites connect to.
        admin_port: the port that admin clients connect to.
        secure: whether the kit has certificates.

    Raises:
        KitFormatError: host and ports make no ``sp_end_point``.
    """
    end_point = f"{host}:{fl_port}:{admin_port}"
    _end_point({"sp_end_point": end_point})
    document = _secure_document(end_point) if secure else _insecure_document(end_point, profile)
    return json.dumps(document, indent=2)
