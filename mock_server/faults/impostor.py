"""Servers that show themselves wrongly: their certificates, their TLS, their signatures."""

from __future__ import annotations

import ssl
import warnings

from flare_client.protocol.cellnet.proof import Signer, Verifier
from flare_client.protocol.cellnet.server import ServerIdentity
from mock_server.certificates import CertifiedKey
from mock_server.faults.course import Welcome
from mock_server.pki import Pki


class Impostor:
    """What a server shows instead of what is right; made once a kind.

    Args:
        pki: the server's authority.
        asks_certificate: whether the server asks its clients for theirs.
    """

    def __init__(self, pki: Pki, *, asks_certificate: bool) -> None:
        self._pki = pki
        self._asks_certificate = asks_certificate
        self._servers: dict[str, CertifiedKey] = {}
        self._contexts: dict[tuple[str, bool], ssl.SSLContext] = {}
        self._signer: Signer | None = None

    def context(self, welcome: Welcome, right: ssl.SSLContext) -> ssl.SSLContext:
        """The TLS settings of a connection.

        Args:
            welcome: what is wrong with them.
            right: those where nothing is.
        """
        kind = (welcome.certificate, welcome.old_tls)
        if kind == ("", False):
            return right
        if kind not in self._contexts:
            context = self._pki.context_of(self._server(welcome.certificate), asks_certificate=self._asks_certificate)
            if welcome.old_tls:
                # What OpenSSL allows for so old a version depends on its level of security.
                context.set_ciphers("DEFAULT:@SECLEVEL=0")
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)  # that is what it is about
                    context.minimum_version = ssl.TLSVersion.TLSv1
                    context.maximum_version = ssl.TLSVersion.TLSv1_1
            self._contexts[kind] = context
        return self._contexts[kind]

    def identity(self, welcome: Welcome, right: ServerIdentity) -> ServerIdentity:
        """Who the server of a CellNet connection says it is.

        Args:
            welcome: what is wrong with it.
            right: who it is.
        """
        if not welcome.certificate and not welcome.wrong_signature:
            return right
        server = self._server(welcome.certificate)
        identity = ServerIdentity(
            right.project,
            right.ca_pem,
            server.certificate_pem,
            server.key_pem,
            ssid=right.ssid,
            versions=right.versions,
        )
        if welcome.wrong_signature:
            identity.token_signer = self._wrong_signer()
            identity.token_verifier = Verifier(right.ca_pem)  # it stands by what it signed
        return identity

    def _server(self, wrong: str) -> CertifiedKey:
        if wrong not in self._servers:
            self._servers[wrong] = self._pki.wrong_server(wrong)
        return self._servers[wrong]

    def _wrong_signer(self) -> Signer:
        if self._signer is None:
            self._signer = Signer(self._pki.ca_key_pem)
        return self._signer
