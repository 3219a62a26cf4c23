"""From a file of YAML to the content of a scenario, with the line of everything in it, for the words about faults."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from mock_server.scenarios.base import FAULTS, Place, ScenarioError, hint


def read_yaml(text: str, source: str) -> tuple[object, yaml.Node | None]:
    """Read the content of a text, and where everything stands in it.

    Args:
        text: YAML; an empty text is an empty mapping.
        source: the name for error messages.

    Raises:
        ScenarioError: the text is not YAML.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as problem:
        line = f":{problem.problem_mark.line + 1}" if problem.problem_mark else ""
        raise ScenarioError(f"{source}{line}: expected YAML, but {problem.problem}") from problem
    except (yaml.YAMLError, RecursionError) as problem:
        raise ScenarioError(f"{source}: expected YAML, but {problem}") from problem
    return {} if content is None else content, node


def doubles(root: yaml.Node | None) -> Iterator[tuple[int, Place]]:
    """Find keys that stand twice: YAML keeps the last and says nothing, so that a rule would be lost in silence."""
    seen: set[int] = set()
    waiting: list[tuple[yaml.Node | None, Place]] = [(root, ())]
    while waiting:
        node, path = waiting.pop()
        if node is None or id(node) in seen:
            continue  # an alias: what it stands for was looked at where it is written
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += [(element, (*path, index)) for index, element in enumerate(node.value)]
        elif isinstance(node, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in node.value:
                name = str(key.value)
                if name in keys:
                    yield key.start_mark.line + 1, (*path, name)
                keys.add(name)
                waiting.append((value, (*path, name)))


def line_of(node: yaml.Node | None, path: Sequence[int | str]) -> int | None:
    """The line of the innermost part of a path that is there."""
    if node is None:
        return None
    line: int = node.start_mark.line + 1
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(step)), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            return line
    return line


def fault_text(source: str, line: int | None, path: Sequence[int | str], text: str) -> str:
    """A fault in words: where it is, and what is wrong."""
    return f"{source}{f':{line}' if line else ''}: {field_text(path) or 'scenario'}: {text}"


def field_text(path: Sequence[int | str]) -> str:
    """A place in words, as ``jobs[0].running``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def describe(error: Any, source: str, node: yaml.Node | None, schema: dict[str, Any]) -> Iterator[str]:
    """Put an error of the model into words, one line a fault.

    Args:
        error: as pydantic tells it.
        source: the name of the file.
        node: what YAML made of it; ``None`` where there is no file.
        schema: of the whole scenario, for the names that are known in a place.
    """
    for path, text in faults_of(error, schema):
        yield fault_text(source, line_of(node, path), path, text)


def faults_of(error: Any, schema: dict[str, Any]) -> Iterator[tuple[Place, str]]:
    """Put an error of a model into words: each fault with its place.

    Args:
        error: as pydantic tells it.
        schema: of the whole, for the names that are known in a place.
    """
    # A key is where its value is.
    path = _written(tuple(step for step in error["loc"] if step != "[key]"), schema)
    if error["type"] == FAULTS:
        for inner, text in error["ctx"][FAULTS]:
            yield (*path, *inner), text
        return
    text = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        text = f"expected no such field, but got {error['input']!r:.60}{_meant(path, schema)}"
    elif error["type"] == "missing":
        text = "expected this field, but it is not there"
    elif error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        known = error["ctx"].get("expected_tags", "a name")
        tag = error["ctx"].get("tag", error["input"])
        text = f"expected a kind of {known}, but got {tag!r:.60}{hint(tag, known.replace(chr(39), '').split(', '))}"
    elif text.startswith("Input should be "):
        known = [
            word.strip("'") for word in str(error.get("ctx", {}).get("expected", "")).replace(" or ", ", ").split(", ")
        ]
        text = f"expected {text.removeprefix('Input should be ')}, but got {error['input']!r:.60}"
        text += hint(error["input"], known) if isinstance(error["input"], str) else ""
    elif not text.startswith("expected"):
        text = f"expected that {text[:1].lower()}{text[1:]}, but got {error['input']!r:.60}"
    yield path, text


def _meant(path: Place, schema: dict[str, Any]) -> str:
    return hint(path[-1], fields_at(path[:-1], schema)) if path else ""


def fields_at(path: Place, schema: dict[str, Any]) -> list[str]:
    """The names of the fields that are known in a place."""
    return sorted({name for node in _nodes_at(path, schema) for name in node.get("properties", {})})


def _nodes_at(path: Place, schema: dict[str, Any]) -> list[dict[str, Any]]:
    nodes = _alternatives(schema, schema)
    for step in path:
        below: list[dict[str, Any]] = []
        for node in nodes:
            named = node.get("properties", {}).get(step, node.get("additionalProperties"))
            found = node.get("items") if isinstance(step, int) else named
            if isinstance(found, dict):
                below += _alternatives(found, schema)
        nodes = below
    return nodes


def _alternatives(node: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    """A part of a schema, followed to what it refers to, and split into what it may be."""
    if "$ref" in node:
        return _alternatives(schema["$defs"][node["$ref"].rpartition("/")[2]], schema)
    parts = [*node.get("anyOf", ()), *node.get("oneOf", ())]
    return [one for part in parts for one in _alternatives(part, schema)] if parts else [node]


def _written(path: Place, schema: dict[str, Any]) -> Place:
    """The place as it stands in the file: pydantic also names the alternative of a union that it tried."""
    kept: list[int | str] = []
    for index, step in enumerate(path):
        known = _nodes_at(tuple(kept), schema)
        is_last = index == len(path) - 1
        named = isinstance(step, int) or any(
            step in node.get("properties", {}) or node.get("additionalProperties") for node in known
        )
        if named or (is_last and any("properties" in node for node in known)):
            kept.append(step)
    return tuple(kept)
