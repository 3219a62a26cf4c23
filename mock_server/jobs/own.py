"""Jobs that the server makes up itself, for the workload of a scenario: a definition that all of them share."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flare_client.protocol.jobs import ALL_SITES, JobMetaKey

FOLDER = "job"
"""The job folder in the definition."""
_APP = "app"


def definition_meta(name: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """What the meta file of such a job says.

    Args:
        name: the name of the job.
        more: what the scenario adds.
    """
    return {
        JobMetaKey.NAME.value: name,
        JobMetaKey.RESOURCE_SPEC.value: {},
        JobMetaKey.MIN_CLIENTS.value: 1,
        JobMetaKey.DEPLOY_MAP.value: {_APP: [ALL_SITES]},
        **more,
    }


def write_definition(path: Path) -> Path:
    """Write the definition, and return where it is; it is there whole, or as it was."""
    part = path.with_name(f".{path.name}")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for name, content in (
            (f"{FOLDER}/", ""),
            (f"{FOLDER}/meta.json", json.dumps(definition_meta(FOLDER, {}))),
            (f"{FOLDER}/{_APP}/", ""),
            (f"{FOLDER}/{_APP}/config/", ""),
            (f"{FOLDER}/{_APP}/config/config_fed_server.json", "{}"),
            (f"{FOLDER}/{_APP}/config/config_fed_client.json", "{}"),
        ):
            archive.writestr(zipfile.ZipInfo(name), content)
    return part.replace(path)
