"""What release 2.3 does to an upload before it looks whether it is a job definition.

It goes by the folder of the first member, not by the folder that the command names. Where that folder has a
``meta.json``, the name of the folder is written into it; where it has none, the upload is taken for an application of
the layout before jobs: everything moves one level down, beside a meta that deploys it everywhere.

Observed: 2.3.12. Whatever fails here fails outside of the part of the official command that has an answer of its own.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

from flare_client.protocol.jobs import ALL_SITES, JobMetaKey
from mock_server.jobs import meta_file

_BLOCK = 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Conversion:
    """How an upload is rewritten.

    Attributes:
        meta_name: the member that is the meta.
        meta: its new content.
        prefix: what stands before the name of every other member.
    """

    meta_name: str
    meta: dict[str, Any]
    prefix: str

    def names(self, archive: zipfile.ZipFile) -> frozenset[str]:
        """The names of the members once it is done."""
        return frozenset({self.meta_name, *(self.prefix + name for name in archive.namelist() if self._stays(name))})

    def write(self, upload: Path, target: Path) -> None:
        """Write the rewritten upload.

        Args:
            upload: the upload; stays as it is.
            target: the new file.
        """
        with zipfile.ZipFile(upload) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(self.meta_name, json.dumps(self.meta))
            for info in source.infolist():
                if not self._stays(info.filename):
                    continue
                member = copy.copy(info)
                member.filename = self.prefix + info.filename
                with source.open(info) as content, archive.open(member, "w") as file:
                    shutil.copyfileobj(content, file, _BLOCK)

    def _stays(self, name: str) -> bool:
        return self.prefix != "" or name != self.meta_name


def conversion_of(archive: zipfile.ZipFile) -> Conversion | None:
    """Tell how an upload is rewritten; ``None`` if it is left alone.

    Raises:
        Exception: whatever a broken upload leads to; the official command reports it by its type.
    """
    names = archive.namelist()
    top = names[0].split("/")[0]
    name = f"{top}/meta.json"
    if name not in names:
        return Conversion(name, _default_meta(top), f"{top}/")
    meta = json.loads(meta_file.read(archive, name))
    if JobMetaKey.JOB_FOLDER_NAME.value in meta:
        return None
    meta[JobMetaKey.JOB_FOLDER_NAME.value] = top
    return Conversion(name, meta, "")


def _default_meta(folder: str) -> dict[str, Any]:
    return {
        JobMetaKey.NAME.value: folder,
        JobMetaKey.JOB_FOLDER_NAME.value: folder,
        JobMetaKey.RESOURCE_SPEC.value: {},
        JobMetaKey.DEPLOY_MAP.value: {folder: [ALL_SITES]},
        JobMetaKey.MIN_CLIENTS.value: 1,
    }
