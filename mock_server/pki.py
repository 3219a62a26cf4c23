"""The mock server's certificate authority: what it issues, where it is kept, and the server's side of TLS.

What a certificate looks like is the business of ``mock_server.certificates``. Kept on disk, a certificate and its key
are one file, so that a crash never parts them.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import os
import ssl
import tempfile
import threading
import urllib.parse
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from flare_client.protocol.signing import FolderSigner
from mock_server.certificates import (
    MAX_COMMON_NAME,
    CertifiedKey,
    Identity,
    covers_host,
    expiry_of,
    identity_of,
    load_certified_key,
    make_ca,
    make_server,
    make_user,
    new_key,
    peer_identity,
    utc_now,
)
from mock_server.files import PRIVATE, private_folder, write_atomically
from mock_server.guards import MOCK_ORG

__all__ = ["MOCK_ORG", "SERVER", "Credentials", "Identity", "Pki", "PkiError", "peer_identity"]

CA_FILE = "ca.pem"
"""Where the authority is kept in its folder."""
MOST_SESSIONS = 2000
"""TLS sessions that a server remembers, at 7 to 11 kB each; every connection leaves one that resumed none.
OpenSSL's own bound is ten times that."""
_LOCAL_HOSTS = ("localhost", "127.0.0.1")


class PkiError(RuntimeError):
    """A stored certificate cannot be used, or a wanted one cannot be made; the text says what to do."""


@dataclasses.dataclass(frozen=True)
class Credentials:
    """A user's certificate and key.

    Attributes:
        identity: who the certificate says its owner is.
        certificate_pem: the certificate.
        key_pem: the RSA key, in traditional PEM, without passphrase.
    """

    identity: Identity
    certificate_pem: bytes
    key_pem: bytes = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class GivenAuthority:
    """A project that somebody else has provisioned.

    Attributes:
        ca: the certificate of its CA.
        ca_key: the key of the CA, without which nothing new can be issued; ``None`` where it is not to be had.
        server: the certificate of the server and its key.
    """

    ca: x509.Certificate
    ca_key: rsa.RSAPrivateKey | None = dataclasses.field(repr=False)
    server: CertifiedKey


class _KeySupply:
    """Keys that are made ahead, side by side; beyond those each is made when it is wanted.

    Its threads end by themselves once the keys are made, so nobody has to remember to stop them.
    """

    def __init__(self, ahead: int) -> None:
        self._executor = ThreadPoolExecutor(max(1, min(ahead, os.cpu_count() or 1)), "flare-mock-key")
        self._futures: collections.deque[Future[rsa.RSAPrivateKey]] = collections.deque(
            self._executor.submit(new_key) for _ in range(ahead)
        )
        self._executor.shutdown(wait=False)

    def take(self) -> rsa.RSAPrivateKey:
        """Return a key that nobody else gets."""
        try:
            future = self._futures.popleft()
        except IndexError:
            return new_key()
        return future.result()

    def close(self) -> None:
        """Give up keys that are not begun, and wait for those that are."""
        self._futures.clear()
        self._executor.shutdown(wait=True, cancel_futures=True)


def _check_common_name(what: str, name: str) -> None:
    # The name is a dNSName of the certificate too. Not every release of cryptography checks all of this.
    if not name or len(name) > MAX_COMMON_NAME or not name.isascii() or not name.isprintable():
        raise PkiError(f"expected a {what} name of 1 to {MAX_COMMON_NAME} printable ASCII characters, but got {name!r}")


def _check_user_name(name: str) -> None:
    _check_common_name("user", name)
    # The kit's folder bears the name.
    if "/" in name or "\\" in name or name in (".", ".."):
        raise PkiError(f"expected a user name that can be the name of a folder, but got {name!r}")


SERVER = Identity("server", "nvidia", None)
"""Who the server is: official provisioning names it, whatever its host is, and clients from 2.7 on check the name."""


class Pki:
    """A certificate authority for one mock server, and all that it has issued; safe to use from several threads.

    Making keys takes most of the time: those of the CA, the server and the first user are made at once.

    Args:
        project: the name of the CA.
        directory: where certificates and keys are kept and found again; ``None`` keeps them in memory only.
        host: the host that kits name; the server certificate is for it, ``localhost`` and ``127.0.0.1``.
        given: a project that there is already, in place of a new one.

    Raises:
        PkiError: project or host cannot stand in a certificate, or what the directory holds is damaged, expired, or
            of another project.
        OSError: the directory cannot be read or written.
    """

    def __init__(
        self,
        project: str = "example_project",
        directory: Path | None = None,
        *,
        host: str = "localhost",
        given: GivenAuthority | None = None,
    ) -> None:
        _check_common_name("project", project)
        if not host or not host.isascii() or not host.isprintable():
            raise PkiError(f"expected a host name or address of printable ASCII characters, but got {host!r}")
        self.project = project
        self.host = host
        self._directory = private_folder(directory) if directory is not None else None
        self._lock = threading.Lock()
        self._users: dict[Identity, CertifiedKey] = {}
        self._context: ssl.SSLContext | None = None
        self._ca: CertifiedKey | None
        if given is not None:
            self._root, self._server = given.ca, given.server
            self._ca = CertifiedKey(given.ca, given.ca_key) if given.ca_key is not None else None
            self._keys = _KeySupply(ahead=0)
            return
        ca = self._stored_ca()
        server = self._stored_server(ca) if ca else None
        # One for the CA, one for the server; the first user's is made while the server starts.
        self._keys = _KeySupply(ahead=3 if ca is None else 0 if server else 1)
        try:
            self._ca = ca = ca or self._new_ca()
            self._root = ca.certificate
            self._server = server or self._new_server()
        except BaseException:
            self._keys.close()
            raise

    def close(self) -> None:
        """Stop making keys. The authority still works, and closing twice is fine."""
        self._keys.close()

    @classmethod
    def foreign(cls, project: str = "example_project") -> Pki:
        """Return another authority of the same name, whose certificates no server of the first one accepts.

        The caller closes it.
        """
        return cls(project)

    @property
    def ca_pem(self) -> bytes:
        """The certificate of the CA."""
        return self._root.public_bytes(serialization.Encoding.PEM)

    @property
    def has_ca_key(self) -> bool:
        """Whether there is the key of the CA, so that certificates can be issued."""
        return self._ca is not None

    @property
    def server_certificate_pem(self) -> bytes:
        """The certificate of the server, which CellNet servers show in the challenge."""
        return self._server.certificate_pem

    @property
    def server_key_pem(self) -> bytes:
        """The key of the server, which signs for CellNet servers."""
        return self._server.key_pem

    @property
    def server_name(self) -> str:
        """The name in the certificate of the server, which clients of CellNet servers check."""
        return identity_of(self._server.certificate).name

    @property
    def server_org(self) -> str:
        """The organisation of the server."""
        return identity_of(self._server.certificate).org

    @property
    def ca_key_pem(self) -> bytes:
        """The key of the CA.

        Raises:
            PkiError: it is not to be had.
        """
        return self._issuer().key_pem

    def ca_signer(self) -> FolderSigner:
        """Return what signs the files of a startup kit in the name of the CA."""
        return FolderSigner(self.ca_key_pem)

    def issue_user(
        self,
        name: str,
        org: str = "nvidia",
        role: str | None = "project_admin",
        *,
        not_before: datetime.datetime | None = None,
        not_after: datetime.datetime | None = None,
        common_name: str | None = None,
    ) -> Credentials:
        """Issue the certificate of a user; the same one again for the same user, unless it is wrong on purpose.

        Args:
            name: the user.
            org: the organisation.
            role: the role; ``None`` makes the certificate of a site, which has none.
            not_before: from when it holds; with a zone. From now on by default.
            not_after: until when it holds; with a zone. 360 days by default.
            common_name: a name to stand in the certificate instead of the user's.

        Raises:
            PkiError: the name, the organisation or the dates cannot stand in a certificate, or the stored
                certificate of the user is damaged or expired.
        """
        _check_user_name(name)
        identity = Identity(name if common_name is None else common_name, org, role)
        _check_common_name("user", identity.name)
        if (not_before, not_after, common_name) != (None, None, None):
            return self._credentials(self._new_user(identity, (not_before, not_after)))
        with self._lock:
            self._issuer()
            user = self._users.get(identity) or self._stored_user(identity)
            if user is None:
                user = self._new_user(identity, (None, None))
                self._keep(self._user_file(name), user)
            self._users[identity] = user
        return self._credentials(user)

    def server_context(self) -> ssl.SSLContext:
        """Return the TLS settings of the server: TLS 1.2 or later, a user of this CA only.

        They are the same until they remember too many sessions; those are forgotten with them, and shake hands anew.
        """
        with self._lock:
            if self._context is None or self._context.session_stats()["number"] > MOST_SESSIONS:
                self._context = self._new_context(self._server)
                _have_it_remember(self._context)
            return self._context

    def new_server_context(self) -> ssl.SSLContext:
        """Return new TLS settings of the server, for connections that last: those remember no sessions."""
        return self.context_of(self._server, asks_certificate=True)

    def one_way_context(self) -> ssl.SSLContext:
        """Return TLS settings of the server with which it asks no certificate of anybody."""
        return self.context_of(self._server, asks_certificate=False)

    def context_of(self, server: CertifiedKey, *, asks_certificate: bool) -> ssl.SSLContext:
        """Return new TLS settings of a server with a certificate of one's choice.

        Args:
            server: the certificate and its key.
            asks_certificate: whether clients must show one of this CA.
        """
        context = self._new_context(server)
        if not asks_certificate:
            context.verify_mode = ssl.CERT_NONE
        return context

    def wrong_server(self, wrong: str) -> CertifiedKey:
        """Return a certificate of the server that is wrong on purpose, for the same key.

        Args:
            wrong: ``name``, ``authority`` or ``expired``; empty for the right one.
        """
        if not wrong:
            return self._server
        key, hosts = self._server.key, tuple(dict.fromkeys((self.host, *_LOCAL_HOSTS)))
        if wrong == "authority":
            return make_server(SERVER, hosts, key, make_ca(Identity(self.project, MOCK_ORG, None), key))
        if wrong == "expired":
            now = utc_now()
            past = (now - datetime.timedelta(days=20), now - datetime.timedelta(days=10))
            return make_server(SERVER, hosts, key, self._issuer(), past)
        return make_server(Identity("another-server", SERVER.org, None), ("another-server",), key, self._issuer())

    # --- certificates -----------------------------------------------------------------------------------------

    def _issuer(self) -> CertifiedKey:
        if self._ca is None:
            raise PkiError(
                f"expected the key of the CA of {self.project!r}, to issue a certificate with, but the server's kit "
                "has none: take the admin kits of that project, or the server's kit from where it was provisioned "
                "(the workspace that has state/cert.json)"
            )
        return self._ca

    def _new_ca(self) -> CertifiedKey:
        ca = make_ca(Identity(self.project, MOCK_ORG, None), self._keys.take())
        self._keep(CA_FILE, ca)
        return ca

    def _new_server(self) -> CertifiedKey:
        hosts = tuple(dict.fromkeys((self.host, *_LOCAL_HOSTS)))
        server = make_server(SERVER, hosts, self._keys.take(), self._issuer())
        self._keep("server.pem", server)
        return server

    def _new_user(
        self, identity: Identity, validity: tuple[datetime.datetime | None, datetime.datetime | None]
    ) -> CertifiedKey:
        try:
            return make_user(identity, self._keys.take(), self._issuer(), validity)
        except ValueError as problem:
            raise PkiError(f"expected a user that fits a certificate, but {problem}") from problem

    @staticmethod
    def _credentials(user: CertifiedKey) -> Credentials:
        return Credentials(identity_of(user.certificate), user.certificate_pem, user.key_pem)

    # --- storage ----------------------------------------------------------------------------------------------

    @staticmethod
    def _user_file(name: str) -> str:
        return f"users/{urllib.parse.quote(name, safe='@')}.pem"

    def _keep(self, file_name: str, certified: CertifiedKey) -> None:
        if self._directory is not None:
            path = self._directory / file_name
            private_folder(path.parent)
            write_atomically(path, certified.pem, PRIVATE)

    def _find(self, file_name: str, remedy: str) -> CertifiedKey | None:
        """Read a stored certificate with its key; ``None`` where there is none."""
        if self._directory is None:
            return None
        path = self._directory / file_name
        try:
            found = load_certified_key(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError as problem:
            raise PkiError(f"{path} is damaged ({problem}): {remedy}") from problem
        expiry = expiry_of(found.certificate)
        if expiry <= utc_now():
            raise PkiError(f"the certificate in {path} expired on {expiry:%Y-%m-%d}: {remedy}")
        return found

    def _stored_ca(self) -> CertifiedKey | None:
        remedy = f"delete the folder {self._directory} to start over with new certificates and kits"
        ca = self._find(CA_FILE, remedy)
        if ca is not None and identity_of(ca.certificate).name != self.project:
            raise PkiError(
                f"expected the CA of project {self.project!r} in {self._directory}, "
                f"but it is that of {identity_of(ca.certificate).name!r}: {remedy}"
            )
        return ca

    def _stored_server(self, ca: CertifiedKey) -> CertifiedKey | None:
        """The stored server certificate, if it is this CA's, of this name and for this host; or a new one is made."""
        server = self._find("server.pem", "delete this file to have a new one made")
        if server is None or not server.is_issued_by(ca.certificate) or not covers_host(server, self.host):
            return None
        if identity_of(server.certificate) != SERVER:
            return None
        return server

    def _stored_user(self, identity: Identity) -> CertifiedKey | None:
        """The stored certificate of a user, if it is this CA's and has these rights; otherwise a new one is made."""
        user = self._find(self._user_file(identity.name), "delete this file to have a new one issued")
        if user is None or not user.is_issued_by(self._root) or identity_of(user.certificate) != identity:
            return None
        return user

    # --- TLS --------------------------------------------------------------------------------------------------

    def _new_context(self, server: CertifiedKey) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        context.num_tickets = 0  # whose connection lasts resumes nothing
        # Certificates of official provisioning lack the key identifiers that the strict rules ask for.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.load_verify_locations(cadata=self.ca_pem.decode("ascii"))
        # OpenSSL reads a key from a file only; this one is gone before the first client comes.
        with tempfile.TemporaryDirectory(prefix="flare-mock-tls-") as folder:
            path = Path(folder) / "server.pem"
            write_atomically(path, server.pem, PRIVATE)
            context.load_cert_chain(path)
        return context


def _have_it_remember(context: ssl.SSLContext) -> None:
    """Have TLS settings resume the sessions of clients that ask for it."""
    # One ticket: a client has one connection at a time, and a second costs as much again.
    context.num_tickets = 1
    # The session stays here, and the ticket is its name. One that holds the session itself holds the client's
    # certificate as well, and to read that again is a third of all that a short command costs the server.
    context.options |= ssl.OP_NO_TICKET
