"""What users of a client see whose startup kit is broken, measured on the mock server with every kit of the registry.

``python -m conformance.lab.broken_kits 2.6.3 flare_client`` runs the official client of a version, and ours on every
release, and writes ``docs/broken-kits.md``.
"""

from __future__ import annotations

import re
from pathlib import Path

from conformance.lab.broken_kit_page import LOGIN_SECONDS, MODULE, PAGE, SIGHTINGS, KitSighting, page, words
from conformance.lab.cases.bench import ADMIN, HUNG, RETURNED, Attempt, Bench
from conformance.lab.cases.clients import OFFICIALS, OURS
from conformance.lab.cases.measuring import CaseLab, command
from mock_server.broken_kits import BROKEN_KITS, BrokenKit

_COMMAND = "list_jobs"

_OF_THE_MOMENT = (
    (re.compile(r"(?<![0-9a-f])[0-9a-f]{8}-[0-9a-f-]{27}"), "<id>"),
    (re.compile(r"\b\d+\.\d{3,} s\b"), "<time> s"),
    (re.compile(r"(?<=\(_ssl\.c:)\d+"), "<line>"),
)


class KitBench(Bench[BrokenKit, KitSighting]):
    """Hands broken kits to one client."""

    hang_seconds = 15.0

    def run(self, case: BrokenKit, seconds: float = LOGIN_SECONDS) -> KitSighting:
        """Have the client log in with a broken kit, and send a command where that succeeds.

        Args:
            case: which kit.
            seconds: what the client is given to connect.
        """
        kit = self.server.kit(ADMIN, directory=self.scratch / case.name, broken=case.name)
        login = self.log_in(kit, seconds)
        if login.outcome != RETURNED:
            return KitSighting(login.outcome, self._message(login, kit), types=login.types)
        with self.closing(login.value) as session:
            told = self.attempt(session, _COMMAND)
        if told.outcome == RETURNED:
            return KitSighting(RETURNED)
        return KitSighting(RETURNED, self._message(told, kit), told.outcome, told.types)

    def _message(self, told: Attempt, kit: Path) -> str:
        """What the client said, without paths, ports and the like, which are other ones each time."""
        if told.outcome == HUNG:
            return ""
        text = told.text.replace(str(kit), "<kit>")
        for port, what in ((self.server.admin_port, "<port>"), (self.server.port, "<fl port>")):
            text = text.replace(str(port), what)
        for pattern, what in _OF_THE_MOMENT:
            text = pattern.sub(what, text)
        return text


LAB = CaseLab(
    module=MODULE,
    clients=(*OFFICIALS, *OURS),
    cases=tuple(BROKEN_KITS.values()),
    bench=KitBench,
    kind=KitSighting,
    words=words,
    record=SIGHTINGS,
    page=PAGE,
    write=page,
)
main = command(LAB)

if __name__ == "__main__":
    main()
