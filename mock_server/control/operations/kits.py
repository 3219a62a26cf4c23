"""Startup kits, on the server's machine and as archives for others."""

from __future__ import annotations

import http
import io
import zipfile
from pathlib import Path

from fastapi import Response

from mock_server.control.models import KitOrder, KitView
from mock_server.control.operations.asking import BAD, CONFLICT, MISSING, OfServer, operations_on, problems
from mock_server.control.problems import Problem, not_found
from mock_server.pki import PkiError
from mock_server.server import MockServer

router = operations_on("kits")

_ZIP = "application/zip"


@router.get("/kits", responses=problems(CONFLICT))
def list_kits(server: OfServer) -> list[KitView]:
    """List the startup kits that were written here."""
    return [KitView(name=path.name, path=str(path)) for path in _kits(server)]


@router.post("/kits", status_code=http.HTTPStatus.CREATED, responses=problems(CONFLICT, BAD))
def write_kit(server: OfServer, body: KitOrder) -> KitView:
    """Write a startup kit for a user, on the server's machine; an insecure server has one for everybody."""
    try:
        path = server.kit(body.name, body.org, body.role)
    except PkiError as problem:
        raise Problem(http.HTTPStatus.CONFLICT, str(problem)) from None
    return KitView(name=path.name, path=str(path))


@router.get(
    "/kits/{name}",
    response_class=Response,
    responses={
        200: {"description": "The kit", "content": {_ZIP: {"schema": {"type": "string", "format": "binary"}}}},
        **problems(MISSING, CONFLICT),
    },
)
def fetch_kit(server: OfServer, name: str) -> Response:
    """Fetch a startup kit as a zip, for a client that does not share the server's disk; it holds the private key."""
    kits = _kits(server)
    kit = next((path for path in kits if path.name == name), None)
    if kit is None:
        raise not_found("kit", name, [path.name for path in kits][:20])
    return Response(_packed(kit), media_type=_ZIP)


def _kits(server: MockServer) -> list[Path]:
    folder = server.kits_folder
    return sorted(path for path in folder.iterdir() if (path / "startup").is_dir()) if folder.is_dir() else []


def _packed(kit: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(kit.rglob("*")):
            name = f"{kit.name}/{path.relative_to(kit).as_posix()}"
            # Permissions travel with it: a key is its owner's alone after unpacking, too.
            archive.write(path, name)
    return buffer.getvalue()
