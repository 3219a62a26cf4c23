"""The application that the surface serves: operations, the OpenAPI document, the page, and what guards them."""

from __future__ import annotations

import http
import importlib.metadata
import importlib.resources
import threading
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from mock_server.control.guard import API, Guard
from mock_server.control.operations import ROUTERS
from mock_server.control.operations.asking import Desk
from mock_server.control.problems import PlainJson, Problem, ProblemDetails
from mock_server.errors import ServerError
from mock_server.guards import NOTICE
from mock_server.server import MockServer

_DESCRIPTION = f"""\
Controls a running mock FLARE server: start over, load a scenario, move the clock, inject faults, look at jobs, sites,
sessions, calls and the transcript, write kits. {NOTICE}

Times are seconds since the epoch, on the server's clock. What is wrong with a request is told as problem details
(RFC 9457) that say what was expected and what came.
"""
_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FIRST_PAGE = "index.html"


def build_application(server: MockServer, url: str, token: str, stopping: threading.Event) -> ASGIApp:
    """Put the application together.

    Args:
        server: what it controls.
        url: where it is served.
        token: what callers must show; empty where nobody is asked.
        stopping: set once nobody is to wait any more.
    """
    port = url.rpartition(":")[2]
    hosts = [f"127.0.0.1:{port}", f"localhost:{port}"]
    return Guard(build_api(Desk(server, stopping), needs_token=bool(token)), hosts, token)


def build_api(desk: Desk, *, needs_token: bool) -> FastAPI:
    """The operations, their document and the page, without what guards them."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, default_response_class=PlainJson)
    app.state.desk = desk
    for router in ROUTERS:
        app.include_router(router, prefix=API)
    _serve_document(app, _document(app, needs_token))
    _serve_page(app)
    _answer_problems(app)
    return app


def _document(app: FastAPI, needs_token: bool) -> dict[str, Any]:
    document = get_openapi(
        title="Control API of the mock FLARE server",
        version=importlib.metadata.version("flare-conformance"),
        openapi_version="3.1.0",
        description=_DESCRIPTION,
        routes=app.routes,
    )
    schemas = document["components"]["schemas"]
    details = TypeAdapter(ProblemDetails).json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(details.pop("$defs"), **{ProblemDetails.__name__: details})
    if needs_token:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
    return document


def _serve_document(app: FastAPI, document: dict[str, Any]) -> None:
    @app.get(f"{API}/openapi.json", include_in_schema=False)
    def openapi() -> PlainJson:
        return PlainJson(document)


def _serve_page(app: FastAPI) -> None:
    for file in (importlib.resources.files("mock_server.control") / "page").iterdir():
        kind = _KINDS.get(Path(file.name).suffix)
        if kind is not None:
            path = "/" if file.name == _FIRST_PAGE else f"/{file.name}"
            app.add_route(path, _file(file.read_bytes(), kind), include_in_schema=False)


def _file(content: bytes, kind: str) -> Any:
    def answer(_request: Request) -> Response:
        return Response(content, media_type=kind)

    return answer


def _answer_problems(app: FastAPI) -> None:
    """Say every problem in one form; what the framework would say otherwise, too."""

    def answer(request: Request, error: Exception) -> Response:
        return _problem(request, error).response()

    for kind in (Problem, ServerError, HTTPException, Exception):
        app.add_exception_handler(kind, answer)


def _problem(request: Request, error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, ServerError):
        return Problem(http.HTTPStatus.CONFLICT, str(error))
    if isinstance(error, HTTPException):
        status = http.HTTPStatus(error.status_code)
        return Problem(status, _words(request, status, error), headers=dict(error.headers or {}))
    # The traceback is in the log; the framework writes it there.
    text = f"expected to answer, but the server failed: {type(error).__name__}: {error}"
    return Problem(http.HTTPStatus.INTERNAL_SERVER_ERROR, text)


def _words(request: Request, status: http.HTTPStatus, error: HTTPException) -> str:
    path = request.url.path
    if status is http.HTTPStatus.NOT_FOUND:
        return f"expected a path that {API}/openapi.json describes, but got {path!r:.200}"
    if status is http.HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("allow") or (error.headers or {}).get("Allow", "another method")
        return f"expected {allowed} at {path!r:.200}, but got {request.method}"
    return str(error.detail)
