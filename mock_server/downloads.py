"""Downloads of releases from 2.7 on: staged files behind references, given out until they are fetched or abandoned.

Owns what a reference stands for and when it is over. Knows nothing of the wire.

Source: official 2.7.3, 2.8.3 and 2.9.0.
"""

from __future__ import annotations

import dataclasses
import secrets
import shutil
from pathlib import Path

from flare_client.protocol.cellnet.rules import CellRules
from mock_server.clock import Clock
from mock_server.context import Staging
from mock_server.sessions import AdminSessions

IDLE_SECONDS = 10.0
"""Without a request for one of its files a download is abandoned; where it holds its session, not before that."""
SESSION_CHECK_SECONDS = 5.0
"""Between two looks of an official server at its sessions."""
REMEMBERED_SECONDS = 1800.0
"""How long it is known what came of a file, where that is remembered."""


@dataclasses.dataclass
class _Offer:
    tx_id: str
    session: str
    files: dict[str, str]
    """Reference to name."""
    last_used: float
    outcomes: dict[str, bool] = dataclasses.field(default_factory=dict)
    nonces: dict[str, str] = dataclasses.field(default_factory=dict)


class Downloads:
    """All downloads of a server.

    Args:
        staging: where the files are.
        sessions: whose downloads they are.
        clock: tells when a download is abandoned.
        rules: what the release does differently.
    """

    def __init__(self, staging: Staging, sessions: AdminSessions, clock: Clock, rules: CellRules) -> None:
        self._staging = staging
        self._sessions = sessions
        self._clock = clock
        self._rules = rules
        self._offers: dict[str, _Offer] = {}
        self._finished: dict[str, tuple[bool, float]] = {}

    def __len__(self) -> int:
        return len({id(offer) for offer in self._offers.values()})

    def offer(self, tx_id: str, session: str) -> list[tuple[str, str]]:
        """Give each file of a transaction a reference.

        Args:
            tx_id: the transaction, staged.
            session: the token of the session that asks.

        Returns:
            Name and reference of each file.
        """
        self.expire()
        names = self._staging.transactions[tx_id].files
        offer = _Offer(tx_id, session, {f"R{self._staging.new_id()}": name for name in names}, self._clock.time())
        self._offers.update(dict.fromkeys(offer.files, offer))
        return [(name, reference) for reference, name in offer.files.items()]

    def find(self, reference: str) -> Path | None:
        """The file of a reference, or ``None`` where it is over or never was. The download counts as used."""
        self.expire()
        offer = self._offers.get(reference)
        if offer is None:
            return None
        offer.last_used = self._clock.time()
        if self._rules.downloads_hold_session:
            session = self._sessions.find(offer.session)
            if session is not None:
                self._sessions.refresh(session)
        return self._staging.transactions[offer.tx_id].files[offer.files[reference]]

    def name_of(self, reference: str) -> str:
        """The name of the file of a reference; empty where it is over or never was."""
        offer = self._offers.get(reference)
        return offer.files[reference] if offer is not None else ""

    def session_of(self, reference: str) -> str:
        """The token of the session whose download it is; empty where it is over or never was."""
        offer = self._offers.get(reference)
        return offer.session if offer is not None else ""

    def outcome(self, reference: str) -> bool | None:
        """Whether a file whose download is over arrived; ``None`` where that is not known, or no more."""
        self.expire()
        finished = self._finished.get(reference)
        return None if finished is None else finished[0]

    def await_confirmation(self, reference: str) -> str:
        """Note that the end of a file was announced; returns the word with which the client is to confirm it."""
        nonce = secrets.token_hex(16)
        self._offers[reference].nonces[reference] = nonce
        return nonce

    def confirm(self, reference: str, nonce: str, *, success: bool) -> bool:
        """Take a confirmation.

        Returns:
            Whether one with this word was awaited.
        """
        offer = self._offers.get(reference)
        if offer is None or offer.nonces.get(reference) != nonce:
            return False
        self.finish(reference, success=success)
        return True

    def finish(self, reference: str, *, success: bool) -> None:
        """Note what came of a file; with the last one the download is over, and its files are removed."""
        offer = self._offers.get(reference)
        if offer is None:
            return
        offer.outcomes[reference] = success
        if len(offer.outcomes) == len(offer.files):
            if self._rules.remembers_downloads:
                now = self._clock.time()
                self._finished.update({one: (outcome, now) for one, outcome in offer.outcomes.items()})
            self._remove(offer)

    def cancel(self, reference: str) -> None:
        """Give up the whole download that a reference belongs to."""
        offer = self._offers.get(reference)
        if offer is not None:
            self._remove(offer)

    def expire(self) -> None:
        """Give up the downloads that were abandoned, and those whose session is over where they hang on it."""
        now = self._clock.time()
        for offer in list({id(one): one for one in self._offers.values()}.values()):
            if now - offer.last_used > self._patience() or self._lost_session(offer):
                self._remove(offer)
        for reference, (_, since) in list(self._finished.items()):
            if now - since > REMEMBERED_SECONDS:
                del self._finished[reference]

    def clear(self) -> None:
        """Forget everything, as a restarted server does."""
        for offer in list(self._offers.values()):
            self._remove(offer)
        self._finished.clear()

    def _patience(self) -> float:
        if not self._rules.downloads_hold_session:
            return IDLE_SECONDS
        return max(IDLE_SECONDS, self._sessions.idle_timeout + SESSION_CHECK_SECONDS)

    def _lost_session(self, offer: _Offer) -> bool:
        return self._rules.downloads_hold_session and self._sessions.find(offer.session) is None

    def _remove(self, offer: _Offer) -> None:
        for reference in offer.files:
            self._offers.pop(reference, None)
        transaction = self._staging.transactions.pop(offer.tx_id, None)
        if transaction is not None:
            shutil.rmtree(transaction.folder, ignore_errors=True)
