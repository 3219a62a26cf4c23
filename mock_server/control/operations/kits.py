"""Startup kits, right ones and broken ones, on the server's machine and as archives for others."""

from __future__ import annotations

import datetime
import http
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import Query, Response

from mock_server.broken_kits import BROKEN_KITS
from mock_server.control.models.kits import BrokenKitView, KitOrder, KitQuery, KitView
from mock_server.control.operations.asking import BAD, CONFLICT, MISSING, AtDesk, OfServer, operations_on, problems
from mock_server.control.problems import Problem, not_found
from mock_server.pki import PkiError
from mock_server.server import MockServer

router = operations_on("kits")

_ZIP = "application/zip"


@router.get("/kits", responses=problems(CONFLICT))
def list_kits(server: OfServer) -> list[KitView]:
    """List the startup kits that were written here: the right ones first, then those that are broken on purpose."""
    return list(_kits(server))


@router.post("/kits", status_code=http.HTTPStatus.CREATED, responses=problems(CONFLICT, BAD))
def write_kit(desk: AtDesk, body: KitOrder) -> KitView:
    """Write a startup kit for a user, on the server's machine; an insecure server has one for everybody."""
    with desk.turn:
        try:
            path = desk.server.kit(body.name, body.org, body.role, broken=body.broken, **_certificate(body))
        except (PkiError, ValueError) as problem:
            raise Problem(http.HTTPStatus.CONFLICT, str(problem)) from None
        return KitView(name=path.name, path=str(path), broken=body.broken)


@router.get(
    "/kits/{name}",
    response_class=Response,
    responses={
        200: {"description": "The kit", "content": {_ZIP: {"schema": {"type": "string", "format": "binary"}}}},
        **problems(MISSING, CONFLICT, BAD),
    },
)
def fetch_kit(server: OfServer, name: str, query: Annotated[KitQuery, Query()]) -> Response:
    """Fetch a startup kit as a zip, for a client that does not share the server's disk; it holds the private key."""
    kits = [kit for kit in _kits(server) if kit.broken == query.broken]
    kit = next((one for one in kits if one.name == name), None)
    if kit is None:
        raise not_found("kit", name, [one.name for one in kits][:20])
    return Response(_packed(Path(kit.path)), media_type=_ZIP)


@router.get("/broken-kits", responses=problems())
def list_broken_kits(server: OfServer) -> list[BrokenKitView]:
    """List the ways in which a kit can be broken on purpose."""
    return [
        BrokenKitView(
            name=one.name,
            what=one.what.replace("`", ""),
            part=one.part.value,
            possible=server.secure and one.fits(server.release),
        )
        for one in BROKEN_KITS.values()
    ]


def _certificate(body: KitOrder) -> dict[str, Any]:
    """What is to be otherwise in the certificate."""
    moments = {"not_before": body.not_before, "not_after": body.not_after}
    found: dict[str, Any] = {
        name: datetime.datetime.fromtimestamp(moment, datetime.timezone.utc)
        for name, moment in moments.items()
        if moment is not None
    }
    return found | ({"common_name": body.common_name} if body.common_name is not None else {})


def _kits(server: MockServer) -> Iterator[KitView]:
    yield from _kits_in(server.kits_folder, None)
    for broken in BROKEN_KITS:
        yield from _kits_in(server.kits_folder / broken, broken)


def _kits_in(folder: Path, broken: str | None) -> Iterator[KitView]:
    found = sorted(path for path in folder.iterdir() if (path / "startup").is_dir()) if folder.is_dir() else []
    return (KitView(name=path.name, path=str(path), broken=broken) for path in found)


def _packed(kit: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(kit.rglob("*")):
            name = f"{kit.name}/{path.relative_to(kit).as_posix()}"
            # Permissions travel with it: a key is its owner's alone after unpacking, too.
            archive.write(path, name)
    return buffer.getvalue()
