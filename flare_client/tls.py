"""TLS as kits configure it: which certificates are shown and trusted, what is not checked, and records without I/O."""

from __future__ import annotations

import contextlib
import socket
import ssl
from pathlib import Path
from typing import cast

from flare_client.kit import StartupKit

_RECEIVE = 256 * 1024
_SEND = 112 * 1024
"""Bytes that are encrypted at a time: what was just written is read again while it is still near."""
_RECORD = 16 * 1024
"""Bytes in a TLS record, at most: one read gives no more."""


def mutual_tls(kit: StartupKit) -> ssl.SSLContext:
    """TLS in which both sides show a certificate of the project's CA.

    Raises:
        ssl.SSLError: certificate and key do not fit each other, or are no PEM.
        OSError: one cannot be read.
    """
    if kit.ca_cert is None or kit.client_cert is None or kit.client_key is None:
        raise AssertionError("a secure kit has its certificates")
    context = one_way_tls(kit.ca_cert)
    context.load_cert_chain(kit.client_cert, kit.client_key, password=_no_passphrase)
    return context


def one_way_tls(ca_cert: Path) -> ssl.SSLContext:
    """TLS in which only the server shows a certificate.

    Args:
        ca_cert: whom to trust.

    Raises:
        ssl.SSLError: it is no PEM.
        OSError: it cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Official clients never compare the host with the certificate: kits name aliases and addresses freely.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    # Certificates of official provisioning lack the key identifiers that Python 3.13 asks for by default.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    context.load_verify_locations(ca_cert)
    return context


def _no_passphrase() -> str:
    # Without it OpenSSL asks at the terminal, and a program without one waits there.
    raise ssl.SSLError("expected a private key without passphrase, but it is encrypted")


class TlsRecords:
    """The client's side of TLS as records in and out, without a socket.

    A connection that one thread reads while others write to it needs this: OpenSSL's connections are no safer for two
    threads than any other object, so the caller's lock guards this one, and sockets are only handed bytes.

    Args:
        context: what is shown and trusted.
        host: goes into the greeting.
        session: to resume; ``None`` for a whole handshake.

    Attributes:
        ended: whether the server said goodbye; nothing more will come.
    """

    def __init__(self, context: ssl.SSLContext, host: str, session: ssl.SSLSession | None = None) -> None:
        self.ended = False
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._records: list[bytes] = []
        self._received = bytearray(_RECORD)
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_side=False, server_hostname=host, session=session
        )

    @property
    def new_session(self) -> ssl.SSLSession | None:
        """What to resume next time, once a ticket has come; ``None`` where this session was resumed itself."""
        return None if self._tls.session_reused else self._tls.session

    def shake_hands(self, connection: socket.socket) -> None:
        """Do the handshake; the connection's timeout holds for each step.

        Its last records are left for ``records_to_send``: with the first request they wake the server once, not twice.

        Raises:
            OSError: the connection failed; ``ssl.SSLError`` where TLS did.
        """
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                connection.sendall(self._outgoing.read())
                data = connection.recv(_RECEIVE)
                if data:
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            except ssl.SSLError:
                connection.sendall(self._outgoing.read())  # the alert, so that the server learns why
                raise
            else:
                return

    def receive(self, records: bytes | memoryview) -> memoryview:
        """Take records and return what was in them, which is there until the next call.

        Raises:
            ssl.SSLError: they are broken, or tell that the server refuses.
        """
        self._incoming.write(records)
        # A record may have been taken in before, but for its last bytes.
        most = self._incoming.pending + 2 * _RECORD
        if len(self._received) < most:
            self._received = bytearray(most)
        view = memoryview(self._received)
        filled = 0
        # Asked only while there is something: to be told by an exception that there is not costs more than the rest.
        while (self._incoming.pending or self._tls.pending()) and not self.ended:
            try:
                size = cast(int, self._tls.read(_RECORD, view[filled : filled + _RECORD]))
            except ssl.SSLWantReadError:
                break
            self.ended = not size
            filled += size
        return view[:filled]

    def send(self, data: bytes | memoryview) -> None:
        """Take what is to go out."""
        view = memoryview(data)
        while view:
            view = view[self._tls.write(view[:_SEND]) :]
            if self._outgoing.pending >= _SEND:
                self._records.append(self._outgoing.read())

    def close(self) -> None:
        """Say goodbye."""
        with contextlib.suppress(ssl.SSLError):
            self._tls.unwrap()  # writes the goodbye; that the server's own is not there yet is no error

    def records_to_send(self) -> list[bytes]:
        """Take the records that are to go out, in blocks."""
        records, self._records = self._records, []
        if self._outgoing.pending:
            records.append(self._outgoing.read())
        return records
