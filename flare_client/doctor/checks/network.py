"""The way to the server: its name, its port, and whom it says it is."""

from __future__ import annotations

import contextlib
import socket
import ssl

from flare_client.doctor import certificates
from flare_client.doctor.check import Check
from flare_client.doctor.findings import Outcome, error, ok, skipped, warning
from flare_client.doctor.patient import Patient, Server
from flare_client.protocol.cellnet.kit import PROXY_CA_CERT_FILE, CellKitConfig, Scheme, Security
from flare_client.protocol.kit import AdminKitConfig

_HTTP2 = "h2"
_NO_TLS_WORDS = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST", "RECORD_LAYER")
"""What OpenSSL says of bytes that are no TLS."""


def _resolves(patient: Patient) -> Outcome:
    host = patient.config.host
    try:
        found = socket.getaddrinfo(host, patient.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        return error(
            f"nobody knows an address of the host {host!r} ({problem})",
            f"Ask for the address of the server, and write it with the name into /etc/hosts: <address> {host}",
        )
    return ok(f"{host} is {', '.join(sorted({str(entry[4][0]) for entry in found}))}")


def _reachable(patient: Patient) -> Outcome:
    try:
        with socket.create_connection((patient.config.host, patient.port), patient.timeout):
            return ok(f"somebody listens at {patient.address}")
    except OSError as problem:
        return error(f"nobody can be reached at {patient.address} ({problem})", _way_to_reach(patient, problem))


def _way_to_reach(patient: Patient, problem: OSError) -> str:
    config = patient.config
    if isinstance(config, AdminKitConfig) and config.fl_port != config.admin_port:
        with contextlib.suppress(OSError), socket.create_connection((config.host, config.fl_port), patient.timeout):
            return (
                f"At port {config.fl_port}, which the kit names for sites, somebody does listen: perhaps both ports "
                "are in each other's place. Ask the admin of the project."
            )
    if isinstance(problem, ConnectionRefusedError):
        return "See whether the server runs, and at which port; the kit cannot know that it has moved."
    return "See whether the server runs, and whether a firewall or a VPN is in between."


def _connect(patient: Patient, *, shows_certificate: bool, http2: bool = False) -> Server:
    """Shake hands with the server, whoever it is.

    Raises:
        OSError: there is no TLS to be had.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # it is looked at afterwards, to say what is wrong with it
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if shows_certificate:
        context.load_cert_chain(patient.named("client_cert"), patient.named("client_key"))
    if http2:
        context.set_alpn_protocols([_HTTP2])
    host = patient.config.host
    with (
        socket.create_connection((host, patient.port), patient.timeout) as raw,
        context.wrap_socket(raw, server_hostname=host) as secured,
    ):
        return Server(secured.getpeercert(binary_form=True) or b"", secured.version() or "TLS")


def _tls(patient: Patient) -> Outcome:
    config = patient.config
    if not patient.speaks_tls:
        return _no_tls(patient)
    http2 = isinstance(config, CellKitConfig) and config.scheme is Scheme.GRPC
    try:
        patient.server = _connect(patient, shows_certificate=patient.shows_certificate, http2=http2)
    except ssl.SSLError as problem:
        if any(word in str(problem.reason) for word in _NO_TLS_WORDS):
            return error(
                f"the kit asks for TLS, and what listens at {patient.address} speaks none ({problem.reason})",
                "Perhaps another program has that port, or the server was started without TLS.",
            )
        return error(f"TLS with {patient.address} failed: {problem}", _tls_remedy(problem))
    except OSError as problem:
        return error(
            f"the kit asks for TLS, and what listens at {patient.address} does not shake hands ({problem})",
            "Perhaps another program has that port, or the server was started without TLS.",
        )
    return ok(f"the server speaks {patient.server.version}")


def _tls_remedy(problem: ssl.SSLError) -> str:
    if "ALERT" in str(problem.reason):
        return "The server refuses the kit's certificate: ask the admin of the project for a new kit."
    return "See which versions of TLS the server speaks: at least 1.2 is needed."


def _no_tls(patient: Patient) -> Outcome:
    try:
        _connect(patient, shows_certificate=False)
    except ssl.SSLError as problem:
        if "ALERT" not in str(problem.reason):
            return ok("clear text, as the kit says")
    except OSError:
        return ok("clear text, as the kit says")
    return error(
        f"the kit asks for clear text, and the server at {patient.address} speaks TLS",
        "Ask the admin of the project for the kit of the secure server.",
    )


def _server_certificate(patient: Patient) -> Outcome:
    from cryptography import x509  # noqa: PLC0415 - for this check alone

    if not patient.speaks_tls:
        return skipped("without TLS the server shows no certificate before the login")
    if patient.server is None or not patient.server.certificate_der:
        return error("the server showed no certificate", "It is no server of the project.")
    try:
        shown = x509.load_der_x509_certificate(patient.server.certificate_der)
    except ValueError as problem:
        return error(f"the server's certificate cannot be read: {problem}", "It is no server of the project.")
    config = patient.config
    proxy = patient.named("ca_cert").with_name(PROXY_CA_CERT_FILE)
    if isinstance(config, CellKitConfig) and config.security is Security.TLS and proxy.is_file():
        return skipped(
            f"a proxy of the CA in {PROXY_CA_CERT_FILE} stands in between; the login proves who is behind it"
        )
    return _judged(patient, shown)


def _judged(patient: Patient, shown: object) -> Outcome:
    from cryptography import x509  # noqa: PLC0415

    if not isinstance(shown, x509.Certificate):
        raise TypeError(f"expected a certificate, but got {type(shown).__name__}")
    name, now = certificates.common_name(shown), certificates.now()
    if not certificates.is_issued_by(shown, patient.root_ca):
        return error(
            f"the server's certificate ({name!r}, issued by {shown.issuer.rfc4514_string()}) is not of the CA in "
            "rootCA.pem",
            "The server is of another project, or the project was provisioned anew: ask for the newest kit.",
        )
    start, end = certificates.start_of(shown), certificates.end_of(shown)
    if not start <= now <= end:
        return error(
            f"the server's certificate holds from {start:%Y-%m-%d} to {end:%Y-%m-%d}, and not today",
            "The server needs a new kit; see also the clock of this machine.",
        )
    return ok(f"the server is {name!r}, of the project's CA")


def _identity(patient: Patient) -> Outcome:
    from cryptography import x509  # noqa: PLC0415

    config = patient.config
    if not isinstance(config, CellKitConfig):
        return skipped("clients of releases to 2.6 do not look at the server's name")
    if patient.server is None or not patient.server.certificate_der:
        return skipped("the server shows no certificate before the login, which looks at its name")
    shown = x509.load_der_x509_certificate(patient.server.certificate_der)
    name = certificates.common_name(shown)
    if name != config.server_identity:
        return error(
            f"the kit expects the server {config.server_identity!r}, and that at {patient.address} is {name!r}",
            "It is another server, or the project was provisioned anew with another name: ask for the newest kit.",
        )
    if config.scheme is Scheme.GRPC and not _covers(shown, config.host):
        return warning(
            f"the server's certificate is not for the host {config.host!r}: official clients over gRPC refuse that",
            "Have the project provisioned with that name among the hosts of the server.",
        )
    return ok(f"the server is {name!r}, as the kit expects")


def _covers(shown: object, host: str) -> bool:
    from cryptography import x509  # noqa: PLC0415

    if not isinstance(shown, x509.Certificate):
        return False
    try:
        names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    return host in {str(name.value) for name in names}


CHECKS = (
    Check("host", "Has the name of the server an address?", _resolves, needs=("fields",), online=True),
    Check("port", "Does somebody listen there?", _reachable, needs=("host",), online=True),
    Check(
        "tls",
        "Do kit and server agree on TLS?",
        _tls,
        needs=("port",),
        unless_wrong=("files", "certificate", "key"),
        online=True,
    ),
    Check("server", "Is it a server of the project?", _server_certificate, needs=("tls", "root-ca"), online=True),
    Check("identity", "Is it the server that the kit means?", _identity, needs=("server",), online=True),
)
