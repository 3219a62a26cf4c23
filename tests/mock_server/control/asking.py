"""Asks the control API as any program would, and holds every answer against the OpenAPI document."""

from __future__ import annotations

import dataclasses
import functools
import http.client
import json
import re
from typing import Any

import jsonschema

from mock_server import MockServer


@dataclasses.dataclass(frozen=True)
class Said:
    """An answer."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content, parse_constant=_no_constant)

    @property
    def detail(self) -> str:
        assert self.headers["content-type"] == "application/problem+json", self
        assert self.json["status"] == self.status
        return str(self.json["detail"])

    @property
    def fields(self) -> list[str]:
        return [fault["field"] for fault in self.json["errors"]]


def _no_constant(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


class Api:
    """The control API of a server.

    Args:
        server: the server.
    """

    def __init__(self, server: MockServer) -> None:
        self.server = server
        self.address = server.control.url.removeprefix("http://")
        self.token = server.control.token
        self.asked: set[tuple[str, str]] = set()
        """The operations that were asked, as the document names them."""

    @functools.cached_property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = self.raw("GET", "/v1/openapi.json").json
        return document

    def raw(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Said:
        """Ask for a path with these headers and no others."""
        host, _, port = self.address.partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        try:
            connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            if body is not None and "Transfer_Encoding" not in headers:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return Said(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Said:
        """Ask for something below ``/v1/`` with the token, and check the form of what comes."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        given = {"Authorization": f"Bearer {self.token}", "Content_Type": "application/json", **headers}
        said = self.raw(method, f"/v1/{path}", data, **given)
        self._check(method, path.partition("?")[0], said)
        return said

    def get(self, path: str) -> Any:
        return self.done("GET", path)

    def done(self, method: str, path: str, body: Any = None) -> Any:
        """What an operation that works answers."""
        said = self.ask(method, path, body)
        assert said.status in (200, 201, 204), said.content
        return said.json if said.content else None

    def _check(self, method: str, path: str, said: Said) -> None:
        for template, operations in self.document["paths"].items():
            if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), f"/v1/{path}"):
                found = operations.get(method.lower())
                if found is not None:
                    self.asked.add((method.lower(), template))
                    self._check_answer(found, said)

    def _check_answer(self, operation: dict[str, Any], said: Said) -> None:
        status = str(said.status)
        # What any operation may say is described once; the rest is by its name.
        if status not in operation["responses"]:
            assert status in ("401", "403", "413", "415", "421"), (said, operation["operationId"])
            status = "default"
        response = operation["responses"][status]
        kind = said.headers.get("content-type", "").partition(";")[0]
        if not response.get("content"):
            assert said.content == b""
            return
        assert kind in response["content"], (kind, response)
        if "json" in kind:
            schema = {**response["content"][kind]["schema"], "components": self.document["components"]}
            jsonschema.Draft202012Validator(schema).validate(said.json)
