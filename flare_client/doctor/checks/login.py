"""The login, and whether the user may do anything then: what all the other checks are about."""

from __future__ import annotations

from flare_client import errors
from flare_client.doctor import certificates
from flare_client.doctor.check import Check
from flare_client.doctor.findings import Outcome, error, ok, skipped, unable, warning
from flare_client.doctor.patient import Patient
from flare_client.opening import new_session
from flare_client.protocol.kit import INSECURE_USER, KIT_SIGNATURE_FILE
from flare_client.protocol.releases import PROFILES, Dialect

_SEE_ABOVE = "See what is said above; otherwise ask the admin of the project whether this user is known."


def _login(patient: Patient) -> Outcome:
    user = patient.user if patient.has_certificates else INSECURE_USER
    try:
        session = new_session(user, str(patient.root), patient.has_certificates, timeout=patient.timeout)
    except ImportError as problem:
        return _lacking(problem)
    except errors.LoginRejected as problem:
        return error(f"the server refuses {user}: {problem}", _SEE_ABOVE)
    except errors.ConfigError as problem:
        if isinstance(problem.__cause__, ImportError):
            return _lacking(problem)
        return error(f"no client can work with the kit: {problem}", _SEE_ABOVE)
    except errors.NoConnection as problem:
        return error(
            f"no login within {patient.timeout:g} s: {problem}",
            "See whether it is an admin server of FLARE, and whether the kit's scheme is the server's.",
        )
    try:
        release = session.release
        session.list_jobs(limit=1)
    except errors.AuthorizationError as problem:
        role = certificates.role(patient.certificate) if patient.has_certificates else ""
        return error(
            f"{user} logs in, and may not even list jobs{f' with the role {role!r}' if role else ''}: {problem}",
            "Ask the admin of the project for a kit with a role that the server's policy knows.",
        )
    except (errors.NoConnection, errors.InternalError, errors.SessionClosed) as problem:
        return error(f"{user} logs in, and the first command fails: {problem}", "See the log of the server.")
    finally:
        session.close()
    patient.release = release
    return ok(f"{user} logs in to a server of release {release}, and may list jobs")


def _release(patient: Patient) -> Outcome:
    """What clients of the server's own release may say of the kit where others do not."""
    release = PROFILES.get(patient.release)
    if release is None:
        return skipped("the login did not tell the release")
    # To 2.6 official clients look at no signatures; 2.7 alone refuses an admin kit without.
    demands = release.dialect is Dialect.CELLNET and release.signs_admin_kit
    if demands and not (patient.startup / KIT_SIGNATURE_FILE).is_file():
        return warning(
            f"the kit is not signed: official clients of release {release} refuse it as such",
            "Have it made by the provisioning of that release.",
        )
    return ok(f"it is a kit for release {release}")


def _lacking(problem: Exception) -> Outcome:
    return unable(f"a package is missing here: {problem}", "Install it, and look again.")


CHECKS = (
    Check(
        "login",
        "Does the server let the user in?",
        _login,
        needs=("tls",),
        unless_wrong=("files", "transfer", "dates", "issuer", "key", "name", "role", "server", "identity"),
        online=True,
    ),
    Check("release", "Do clients of the server's release take the kit?", _release, needs=("login",), online=True),
)
