"""Wrong in sessions, threads and what is known of the system."""

from __future__ import annotations

import time
from typing import Any

from conformance.mutants.base import Wrong, mutant


@mutant("SYS-SITES-01")
class ForgetsSites(Wrong):
    """It names one site at most."""

    def get_system_info(self) -> Any:
        info = self._session.get_system_info()
        info.client_info = info.client_info[:1]
        return info


@mutant("CONN-THREAD-01")
class OneThreadAlone(Wrong):
    """It keeps its answer where the next thread overwrites it."""

    def get_job_meta(self, job_id: str) -> Any:
        self._answer = self._session.get_job_meta(job_id)
        time.sleep(0.01)  # as long as the next thread needs
        return self._answer


@mutant("CLOSE-ALL-01")
class UsableAfterClose(Wrong):
    """It does not close."""

    def close(self) -> None:
        """Pretend."""
