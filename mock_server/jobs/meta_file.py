"""The meta file of a job definition: how it is read, and how much of it.

Knows formats and bounds, not what a meta must say.
"""

from __future__ import annotations

import json
import zipfile
from typing import Any

import yaml

from flare_client.protocol.limits import KIB, MIB

MAX_SIZE = 4 * MIB
MAX_YAML_SIZE = 64 * KIB
"""Far above any real one; the reader of YAML is slow, and the server has one thread."""
MAX_DEPTH = 48
"""Levels of nesting: a deeper meta could not be listed, as a reply has a bound of its own."""
MAX_VALUES = 200_000
"""Values in one meta. A few lines of YAML can stand for more than fits into memory."""


class UnfitMeta(ValueError):
    """The meta breaks a bound of this server; the text says which."""


def read(archive: zipfile.ZipFile, name: str, limit: int = MAX_SIZE) -> bytes:
    """Read a meta file.

    Args:
        archive: the definition.
        name: the member; there is one of that name.
        limit: bytes that it may have.

    Raises:
        UnfitMeta: it is larger.
    """
    size = archive.getinfo(name).file_size
    if size > limit:
        raise UnfitMeta(f"expected at most {limit:,} bytes in {name}, but it has {size:,}")
    with archive.open(name) as file:
        return file.read(limit)


def parse(archive: zipfile.ZipFile, name: str) -> Any:
    """Read a meta file of the format that its name tells: JSON, YAML, or HOCON as far as it is JSON.

    Args:
        archive: the definition.
        name: the member; there is one of that name.

    Returns:
        Its content; ``None`` for an empty file that is not JSON.

    Raises:
        UnfitMeta: it breaks a bound, or holds what JSON cannot say.
        ValueError: it is no JSON; the text is the parser's, as on an official server.
        yaml.YAMLError: it is no YAML.
    """
    if ".y" in name.rpartition("/")[2]:
        return plain(yaml.safe_load(read(archive, name, MAX_YAML_SIZE)), name)
    text = read(archive, name).decode("utf-8")
    if ".conf" not in name.rpartition("/")[2]:
        return json.loads(text)
    try:
        return json.loads(text) if text.strip() else None
    except json.JSONDecodeError as problem:
        raise UnfitMeta(f"expected the JSON form of HOCON in {name} (this server reads no other): {problem}") from None


def plain(value: Any, name: str) -> Any:
    """Copy a parsed meta, so that it is JSON, a tree, and of a size that fits into a reply.

    Args:
        value: the content.
        name: its file, for errors.

    Raises:
        UnfitMeta: it cannot be said in JSON, is nested too deeply, or too large.
    """
    return _Copy(name).of(value, 0)


class _Copy:
    def __init__(self, name: str) -> None:
        self._name = name
        self._left = MAX_VALUES

    def of(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0:
            raise UnfitMeta(f"expected at most {MAX_VALUES:,} values in {self._name}, but there are more")
        if depth > MAX_DEPTH:
            raise UnfitMeta(f"expected at most {MAX_DEPTH} levels in {self._name}, but there are more")
        if value is None or isinstance(value, (str, bool, int, float)):
            return value
        if isinstance(value, list):
            return [self.of(element, depth + 1) for element in value]
        if isinstance(value, dict):
            return {self._key(key): self.of(element, depth + 1) for key, element in value.items()}
        raise UnfitMeta(
            f"expected values that JSON has in {self._name}, but got a {type(value).__name__}: {value!r:.60}"
        )

    def _key(self, key: Any) -> str:
        if isinstance(key, (str, bool, int, float)):
            return str(key)
        raise UnfitMeta(f"expected texts as keys in {self._name}, but got {key!r:.60}")
