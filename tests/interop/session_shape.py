"""Prints, as JSON, what the official ``Session`` of this environment looks like: run there, with no package of ours."""

import inspect
import json
from typing import Any

from nvflare.fuel.flare_api import flare_api
from nvflare.fuel.hci.client.api import AdminAPI


def shape(function: Any) -> list:
    """Name, kind and default of each parameter; ``None`` for a default stands for none at all."""
    return [
        [one.name, one.kind.name, None if one.default is one.empty else [one.default]]
        for one in inspect.signature(function).parameters.values()
    ]


def is_public(name: str) -> bool:
    return not name.startswith("_") or name == "__init__"


print(
    json.dumps(
        {
            "methods": {
                name: shape(found)
                for name, found in inspect.getmembers(flare_api.Session, inspect.isfunction)
                if is_public(name)
            },
            "functions": {
                name: shape(found)
                for name, found in inspect.getmembers(flare_api, inspect.isfunction)
                if found.__module__ == flare_api.__name__ and is_public(name)
            },
            "api": {
                name: shape(found)
                for name, found in inspect.getmembers(AdminAPI, inspect.isfunction)
                if is_public(name)
            },
            # What the constructor mentions: there is no other way to see attributes without a server.
            "api_attributes": sorted(AdminAPI.__init__.__code__.co_names),
        }
    )
)
