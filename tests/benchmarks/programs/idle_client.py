"""A client that does nothing but to answer, at once and always the same: what is left of a call is the harness."""

from __future__ import annotations

from typing import Any

META = {
    "name": "train",
    "resource_spec": {},
    "min_clients": 2,
    "deploy_map": {"app": ["@ALL"]},
    "submitter_name": "admin@nvidia.com",
    "submitter_org": "nvidia",
    "submitter_role": "project_admin",
    "job_folder_name": "train",
    "job_id": "5d247222-1f0c-4b55-8f0e-0d3c7c1a8a11",
    "submit_time": 1735787040.5,
    "submit_time_iso": "2025-01-02T03:04:00.500000+00:00",
    "start_time": "",
    "duration": "N/A",
    "status": "SUBMITTED",
    "job_deploy_detail": ["server: OK", "site-1: OK", "site-2: OK"],
    "schedule_count": 1,
    "schedule_history": ["2025-01-02 03:04:01: not enough sites"],
}


class Idle:
    """A session of nobody."""

    def get_job_meta(self, _job_id: str) -> dict[str, Any]:
        """A meta, always the same."""
        return META

    def close(self) -> None:
        """Nothing to close."""


def idle_client(*_: Any, **__: Any) -> Idle:
    """Open a session."""
    return Idle()
