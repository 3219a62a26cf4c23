"""The OpenAPI document: valid, of the models themselves, and true: it describes what is served, and nothing else."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, get_args

from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Route

import mock_server.control
from mock_server.control.application import build_api
from mock_server.control.operations import ROUTERS
from mock_server.control.operations.asking import Desk
from mock_server.faults.actions import AnyAction
from tests.mock_server.control.asking import Api

PAGE = Path(mock_server.control.__file__).parent / "page"
METHODS = {"get", "put", "post", "patch", "delete"}


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method, path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def test_it_is_valid_openapi_3_1(api: Api) -> None:
    assert api.document["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(api.document).validate()


def test_every_route_that_is_served_is_described_and_the_reverse(api: Api) -> None:
    served = {
        (method.lower(), f"/v1{route.path}")
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, Route)
        for method in route.methods or ()
    }
    assert served == set(operations(api.document))


def test_each_operation_says_what_it_does_and_what_may_go_wrong(api: Api) -> None:
    for name, operation in operations(api.document).items():
        assert operation["summary"], name
        assert operation["description"].strip().endswith("."), name
        assert operation["tags"], name
        assert "401" in operation["responses"], name
        if "requestBody" in operation:
            assert "422" in operation["responses"], name
        for status, response in operation["responses"].items():
            if status == "default" or int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"], (name, status)
    assert len({operation["operationId"] for operation in operations(api.document).values()}) == len(
        operations(api.document)
    )


def test_it_has_the_models_of_scenarios_and_faults(api: Api) -> None:
    schemas = api.document["components"]["schemas"]
    kinds = {schemas[name]["properties"]["kind"]["const"] for name in (action.__name__ for action in actions())}
    assert {"delay", "certificate", "restart"} <= kinds
    assert schemas["Rule"]["properties"]["action"]["discriminator"]["propertyName"] == "kind"
    assert "HTTPValidationError" not in schemas


def actions() -> tuple[type[Any], ...]:
    union, _ = get_args(AnyAction)
    found: tuple[type[Any], ...] = get_args(union)
    return found


def test_nothing_but_the_page_is_served_beside(api: Api) -> None:
    app = build_api(Desk(api.server, threading.Event()), needs_token=True)
    beside = {str(route.path) for route in app.routes if isinstance(route, Route)} - set(api.document["paths"])
    assert beside == {
        "/v1/openapi.json",
        "/",
        *(f"/{file.name}" for file in PAGE.iterdir() if file.name != "index.html"),
    }


def test_it_says_that_a_token_is_asked_for(api: Api) -> None:
    assert api.document["security"] == [{"token": []}]
    assert api.document["components"]["securitySchemes"]["token"] == {"type": "http", "scheme": "bearer"}
