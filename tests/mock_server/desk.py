"""Asks a running ``MockServer`` for commands from inside, as its endpoints do, without a wire between."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path
from typing import Any

from flare_client.archives import pack_job_folder
from flare_client.kit import load_kit
from flare_client.protocol.releases import Upload
from flare_client.signatures import folder_signer
from mock_server import MockServer
from mock_server.answers import Reply
from mock_server.commands.dispatch import answer
from mock_server.context import Peer, Request, ServerContext

Answered = dict[str, Any]


class Desk:
    """One user's session.

    Args:
        server: runs.
        user: who asks.
        org: their organisation.
        role: their role.
        study: what they work in.
    """

    def __init__(
        self,
        server: MockServer,
        user: str = "admin@nvidia.com",
        org: str = "nvidia",
        role: str = "project_admin",
        study: str = "default",
    ) -> None:
        self.server = server
        self.user, self.org, self.role = user, org, role
        self.token = server.call(lambda context: context.sessions.open(user, org, role, study).token)

    def ask(self, line: str, upload: Path | None = None, **meta: Any) -> Answered:
        """The items and the meta of the reply to a command line."""
        request = Request(line, self.token, meta, Peer(self.user, self.org, self.role), upload)

        def run(context: ServerContext) -> Answered:
            answered = answer(context, request)
            assert isinstance(answered, Reply), answered
            return {
                "data": [item.to_json() for item in answered.items],
                "meta": answered.meta,
            }

        return self.server.call(run)

    def submit(self, folder: Path, options: str = "", *, signed: bool = True) -> Answered:
        """The reply to the submission of a job folder."""
        upload = folder.parent / "upload.zip"
        kit = load_kit(str(self.server.kit(self.user, self.org, self.role)), secure=True)
        if signed:
            pack_job_folder(folder, upload, folder_signer(kit))
        else:
            shutil.make_archive(str(upload.with_suffix("")), "zip", folder.parent, folder.name)
        if self.server.profile.upload is Upload.INLINE_BASE64:
            content = base64.b64encode(upload.read_bytes()).decode("ascii")
            return self.ask(f"submit_job {folder.name} {content}")
        return self.ask(f"submit_job {folder.name} {options}".strip(), upload)

    def job(self, folder: Path) -> str:
        """The id of a newly submitted job."""
        job_id: str = self.submit(folder)["meta"]["job_id"]
        return job_id
