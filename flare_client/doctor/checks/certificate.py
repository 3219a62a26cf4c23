"""The user's certificate, its key, and the CA that should have issued it."""

from __future__ import annotations

from flare_client.doctor import certificates
from flare_client.doctor.check import Check
from flare_client.doctor.findings import Outcome, error, ok, warning
from flare_client.doctor.patient import Patient

_NEW_KIT = "Ask the admin of the project for a new kit."
_SOON_DAYS = 30
_ROLES = ("project_admin", "org_admin", "lead", "member")
"""Those that the official default policy knows."""


def _certificate(patient: Patient) -> Outcome:
    path = patient.named("client_cert")
    try:
        found = patient.certificate
    except ValueError as problem:
        return error(f"expected a certificate in PEM in {path}, but it holds none ({problem})", _NEW_KIT)
    name = certificates.common_name(found)
    if not name:
        return error(f"the certificate in {path} names no user", _NEW_KIT)
    org = certificates.organisation(found)
    return ok(f"the certificate is that of {name}{f' of {org}' if org else ''}")


def _dates(patient: Patient) -> Outcome:
    start, end, now = (
        certificates.start_of(patient.certificate),
        certificates.end_of(patient.certificate),
        certificates.now(),
    )
    if now > end:
        return error(f"the certificate ended on {end:%Y-%m-%d %H:%M} UTC, {certificates.days(now - end)} ago", _NEW_KIT)
    if now < start:
        return error(
            f"the certificate does not hold before {start:%Y-%m-%d %H:%M} UTC, in {certificates.days(start - now)}",
            f"Wait, or look at the clock of this machine, which says {now:%Y-%m-%d %H:%M} UTC.",
        )
    if (end - now).days < _SOON_DAYS:
        return warning(f"the certificate ends on {end:%Y-%m-%d}, in {certificates.days(end - now)}", _NEW_KIT)
    return ok(f"it holds from {start:%Y-%m-%d} to {end:%Y-%m-%d}")


def _root(patient: Patient) -> Outcome:
    path = patient.named("ca_cert")
    try:
        root = patient.root_ca
    except ValueError as problem:
        return error(f"expected the certificate of the CA in PEM in {path}, but it holds none ({problem})", _NEW_KIT)
    end = certificates.end_of(root)
    if certificates.now() > end:
        return error(
            f"the project's CA ended on {end:%Y-%m-%d}: no certificate of it counts any more",
            "The project has to be provisioned anew, for everybody.",
        )
    return ok(f"the project's CA is {certificates.common_name(root) or 'without a name'}, until {end:%Y-%m-%d}")


def _issuer(patient: Patient) -> Outcome:
    if certificates.is_issued_by(patient.certificate, patient.root_ca):
        return ok("the project's CA issued the certificate")
    ours = certificates.common_name(patient.root_ca)
    issuer = patient.certificate.issuer.rfc4514_string()
    return error(
        f"the certificate is not of the CA {ours!r} in rootCA.pem: one of another key, {issuer}, issued it",
        "The files are of two kits, perhaps of two provisionings: take all of them from one kit, the newest.",
    )


def _key(patient: Patient) -> Outcome:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - as `certificates`, for this check alone
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    path = patient.named("client_key")
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except TypeError:
        return error(
            f"the key in {path} has a passphrase: clients ask nobody for it",
            f"Write it without one: openssl rsa -in {path} -out plain.key, and put that in its place.",
        )
    except (ValueError, UnsupportedAlgorithm) as problem:
        return error(f"expected a private key in PEM in {path}, but it holds none ({problem})", _NEW_KIT)
    if not isinstance(key, rsa.RSAPrivateKey):
        return error(f"expected an RSA key in {path}, but it is of another kind", _NEW_KIT)
    if key.public_key() != patient.certificate.public_key():
        return error(
            f"the key in {path} does not belong to the certificate",
            "Take certificate and key from one kit.",
        )
    return ok("the key belongs to the certificate")


def _name(patient: Patient) -> Outcome:
    name = certificates.common_name(patient.certificate)
    if patient.given_user is not None and patient.given_user != name:
        return error(
            f"the certificate is that of {name}, and {patient.given_user} is to log in with it: no server takes that",
            f"Log in as {name}, or ask for the kit of {patient.given_user}.",
        )
    configured = patient.admin.get("username")
    if isinstance(configured, str) and configured not in ("", name):
        return error(
            f"fed_admin.json says that the user is {configured}, and the certificate is that of {name}",
            _NEW_KIT,
        )
    folder = patient.root.resolve().name
    if "@" in folder and folder != name:
        return warning(
            f"the folder is named {folder}, and the certificate is that of {name}: the server takes that name alone",
            f"Log in as {name}, or ask for the kit of {folder}.",
        )
    return ok(f"log in as {name}")


def _role(patient: Patient) -> Outcome:
    role = certificates.role(patient.certificate)
    if not role:
        return error(
            "the certificate has no role: it is that of a site or a server, and no admin's",
            "Ask the admin of the project for the kit of an admin.",
        )
    if role not in _ROLES:
        return warning(
            f"the certificate has the role {role!r}, and the usual policy knows {', '.join(_ROLES)} alone",
            "Unless the project's authorization.json knows that role, ask for a kit with one of these.",
        )
    return ok(f"the role is {role}")


CHECKS = (
    Check("certificate", "Is there a certificate, and whose is it?", _certificate, needs=("files",)),
    Check("dates", "Does the certificate hold today?", _dates, needs=("certificate",)),
    Check("root-ca", "Is there the project's CA?", _root, needs=("files",)),
    Check("issuer", "Did the project's CA issue the certificate?", _issuer, needs=("certificate", "root-ca")),
    Check("key", "Does the key belong to the certificate?", _key, needs=("certificate",)),
    Check("name", "Do the certificate and the kit name the same user?", _name, needs=("certificate",)),
    Check("role", "Does the certificate have a role?", _role, needs=("certificate",)),
)
