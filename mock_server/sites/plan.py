"""What a scenario may say of machines: files, statistics, errors, environment, resources, version and policy.

Owns the models and what is wrong with a plan. Must not know how a machine answers with it.
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from mock_server.policy import Policy


class _Plan(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise ValueError(f"expected a path below the workspace, but got {name!r}")
    return str(path)


def _data(value: Any) -> Any:
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError) as problem:
        raise ValueError(f"expected what JSON can hold, but {problem}") from problem
    return value


Inside = Annotated[str, AfterValidator(_inside)]
"""A path below the workspace of a machine."""
Data = Annotated[Any, AfterValidator(_data)]
"""Plain data, as it travels in a reply."""


class MachinePlan(_Plan):
    """A machine, as far as a test wants it otherwise than it would be."""

    files: dict[Inside, str] = Field(default_factory=dict)
    """Text files in its workspace, by their paths; they stand before what would be there anyway."""
    statistics: dict[str, dict[str, Data]] | None = None
    """What it counts in a running job: values by collector and name. Without it, what every job counts."""
    errors: dict[str, dict[str, str]] = Field(default_factory=dict)
    """What went wrong in every job: texts by component and kind, until they are reset."""
    environment: dict[str, Data] = Field(default_factory=dict)
    """What ``report_env`` tells besides the usual, or instead of it."""
    resources: dict[str, Data] = Field(default_factory=lambda: {"resources": [], "reserved_resources": {}})
    """What ``report_resources`` tells of a site."""
    version: str | None = None
    """The release that it runs; the one that the server plays without it."""
    authorization: dict[str, Data] | None = None
    """Its policy, in the form of ``authorization.json``; the official default one without it."""

    @field_validator("files")
    @classmethod
    def _no_file_is_a_folder(cls, files: dict[str, str]) -> dict[str, str]:
        for name in files:
            above = next((str(one) for one in PurePosixPath(name).parents if str(one) in files), None)
            if above is not None:
                raise ValueError(f"expected a path below a folder, but {above!r} of {name!r} is a file")
        return files

    @field_validator("authorization")
    @classmethod
    def _is_policy(cls, content: dict[str, Any] | None) -> dict[str, Any] | None:
        if content is not None:
            Policy(content)
        return content


class ServerPlan(MachinePlan):
    """The server, as a machine."""
