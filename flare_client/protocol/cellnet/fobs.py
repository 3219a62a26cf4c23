"""FOBS, the object serialisation of FLARE: the part of it that an admin's connection needs.

A payload is a row of sections: ``marker, dot, 8 bytes of size, body``. The main section is a msgpack object in which a
map with ``__fobs_type__`` stands for an object of that class; values of 10 MiB and more lie in sections of their own
(*datums*) and are referred to by a UUID. Only the classes named here are read, and none is ever instantiated by name:
what is not in the table is a protocol error.

Source: official 2.7.3, 2.8.3 and 2.9.0.
"""

from __future__ import annotations

import dataclasses
import struct
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from flare_client.protocol.cellnet.apart import pack_apart, unpack_apart
from flare_client.protocol.cellnet.blocks import LARGE, Blocks, Content
from flare_client.protocol.cellnet.packing import pack, unpack
from flare_client.protocol.errors import LimitExceeded, RemoteProtocolError
from flare_client.protocol.limits import DEFAULT_LIMITS, MIB, Limits

DATUM_SIZE = 10 * MIB
"""Values of this many bytes and more become datums."""

_SECTION = struct.Struct(">BBQ")
_MAIN, _TEXT_DATUM, _BLOB_DATUM = 100, 101, 102
_UUID_SIZE = 16

_TYPE, _DATA, _DECOMPOSER = "__fobs_type__", "__fobs_data__", "__fobs_dc__"

_SHAREABLE = "nvflare.apis.shareable.Shareable"
_FL_CONTEXT = "nvflare.apis.fl_context.FLContext"
_DATUM_REF = "nvflare.fuel.utils.fobs.datum.DatumRef"
_DECOMPOSERS = {
    _SHAREABLE: "nvflare.fuel.utils.fobs.decomposer.DictDecomposer",
    _FL_CONTEXT: "nvflare.apis.utils.decomposers.flare_decomposers.ContextDecomposer",
    _DATUM_REF: "nvflare.fuel.utils.fobs.decomposer.DataClassDecomposer",
}

HEADERS = "__headers__"


@dataclasses.dataclass(frozen=True)
class Shareable:
    """A map that FLARE passes about, with headers of its own.

    Attributes:
        items: all of it but the headers.
        headers: the headers.
    """

    items: Mapping[str, Any]
    headers: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class FLContext:
    """What one side tells of itself.

    Attributes:
        props: by name; the visibility that each has on the wire is public.
    """

    props: Mapping[str, Any]


# --- writing --------------------------------------------------------------------------------------------------------


def _section(marker: int, *parts: bytes | memoryview) -> tuple[bytes | memoryview, ...]:
    return _SECTION.pack(marker, 0, sum(map(len, parts))), *parts


def encode(content: Any) -> bytes:
    """Encode plain types, ``Shareable`` and ``FLContext``.

    Raises:
        LocalProtocolError: there is something else in it.
    """
    return bytes(encode_apart(content))


def encode_apart(content: Any) -> Content:
    """Encode as ``encode`` does; large binary values stay where they are, each a block of its own.

    Raises:
        LocalProtocolError: there is something else in it.
    """
    if isinstance(content, str) and len(content) < LARGE:  # as commands and most replies are
        return b"".join(_section(_MAIN, pack(content)))
    writer = _Writer()
    plain = writer.decompose(content)
    if not writer.is_large:
        return b"".join(_section(_MAIN, pack(plain)))
    return Blocks((*_section(_MAIN, *pack_apart(plain).parts), *writer.datums))


def _object(kind: str, data: Any) -> dict[str, Any]:
    return {_TYPE: kind, _DATA: data, _DECOMPOSER: _DECOMPOSERS[kind]}


class _Writer:
    """Takes objects apart into plain types.

    Attributes:
        datums: the sections after the main one, in parts.
        is_large: whether there is a value that is better not copied.
    """

    def __init__(self) -> None:
        self.datums: list[bytes | memoryview] = []
        self.is_large = False

    def decompose(self, content: Any) -> Any:
        if isinstance(content, Shareable):
            items = {HEADERS: dict(content.headers), **content.items}
            return _object(_SHAREABLE, {key: self.decompose(value) for key, value in items.items()})
        if isinstance(content, FLContext):
            props = {name: {"value": self.decompose(value), "mask": 0} for name, value in content.props.items()}
            return _object(_FL_CONTEXT, [None, props])
        if isinstance(content, dict):
            return {key: self.decompose(value) for key, value in content.items()}
        if isinstance(content, (list, tuple)):
            return [self.decompose(value) for value in content]
        if isinstance(content, (str, bytes)) and len(content) >= LARGE:
            self.is_large = True
            return self._refer(content) if len(content) >= DATUM_SIZE else content
        return content

    def _refer(self, content: str | bytes) -> dict[str, Any]:
        datum_id = uuid.uuid4()
        marker = _TEXT_DATUM if isinstance(content, str) else _BLOB_DATUM
        value = content.encode("utf-8") if isinstance(content, str) else content
        self.datums += _section(marker, datum_id.bytes, value)
        return _object(_DATUM_REF, {"datum_id": str(datum_id), "unwrap": True})


# --- reading --------------------------------------------------------------------------------------------------------


def decode(data: Content, limits: Limits = DEFAULT_LIMITS) -> Any:
    """Decode a payload.

    Args:
        data: all of it. Of what lies in several blocks large binary values may come as ``Blocks``, uncopied.
        limits: ``depth`` bounds the nesting.

    Raises:
        RemoteProtocolError: a section is malformed, an object is of a class that is not accepted, or a datum is
            missing.
        LimitExceeded: it nests too deep.
    """
    if isinstance(data, Blocks):
        marker, _, size = _SECTION.unpack(bytes(data.part(0, _SECTION.size)).ljust(_SECTION.size, b"\0"))
        if marker == _MAIN and 0 < size == len(data) - _SECTION.size:
            apart = unpack_apart(data.part(_SECTION.size, len(data)), limits.depth)
            return _Reader({}, limits).recompose(apart, 0)
    main: bytes | None = None
    datums: dict[str, str | bytes] = {}
    view = memoryview(bytes(data))
    while view:
        marker, body, view = _take_section(view)
        if marker == _MAIN:
            if main is not None or datums:
                raise RemoteProtocolError("expected one main section, before all others")
            main = bytes(body)
        elif marker in (_TEXT_DATUM, _BLOB_DATUM):
            datum_id, value = _read_datum(marker, body)
            datums[datum_id] = value
        else:
            raise RemoteProtocolError(f"expected a section of marker 100, 101 or 102, but got {marker}")
    if main is None:
        raise RemoteProtocolError("expected a main section, but the payload has none")
    content = unpack(main, limits.depth)
    return content if isinstance(content, str) else _Reader(datums, limits).recompose(content, 0)


def _take_section(view: memoryview) -> tuple[int, memoryview, memoryview]:
    if len(view) < _SECTION.size:
        raise RemoteProtocolError(f"expected a section header of {_SECTION.size} bytes, but {len(view)} are left")
    marker, _, size = _SECTION.unpack_from(view)
    rest = view[_SECTION.size :]
    if not 0 < size <= len(rest):
        raise RemoteProtocolError(f"expected a section of 1 to {len(rest)} bytes, but its size is {size}")
    return marker, rest[:size], rest[size:]


def _read_datum(marker: int, body: memoryview) -> tuple[str, str | bytes]:
    if len(body) < _UUID_SIZE:
        raise RemoteProtocolError(f"expected a datum to begin with {_UUID_SIZE} bytes of id, but it has {len(body)}")
    value = bytes(body[_UUID_SIZE:])
    datum_id = str(uuid.UUID(bytes=bytes(body[:_UUID_SIZE])))
    if marker == _BLOB_DATUM:
        return datum_id, value
    try:
        return datum_id, value.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise RemoteProtocolError(f"expected UTF-8 in a text datum, but {problem}") from problem


class _Reader:
    """Puts objects together again, by a table of the classes that are accepted."""

    def __init__(self, datums: Mapping[str, str | bytes], limits: Limits) -> None:
        self._datums = datums
        self._limits = limits
        self._accepted: dict[str, Callable[[Any], Any]] = {
            _SHAREABLE: self._shareable,
            _FL_CONTEXT: self._fl_context,
            _DATUM_REF: self._datum,
        }

    def recompose(self, content: Any, depth: int) -> Any:
        if depth > self._limits.depth:
            raise LimitExceeded("depth", self._limits.depth, depth)
        if isinstance(content, list):
            return [self.recompose(value, depth + 1) for value in content]
        if not isinstance(content, dict):
            return content
        if _TYPE not in content:
            return {key: self.recompose(value, depth + 1) for key, value in content.items()}
        kind = content[_TYPE]
        make = self._accepted.get(kind) if isinstance(kind, str) else None
        if make is None:
            raise RemoteProtocolError(f"expected an object of {', '.join(self._accepted)}, but got {kind!r:.100}")
        decomposer = content.get(_DECOMPOSER)
        if decomposer != _DECOMPOSERS[kind]:
            raise RemoteProtocolError(f"expected {kind} by {_DECOMPOSERS[kind]}, but by {decomposer!r:.100}")
        return make(self.recompose(content.get(_DATA), depth + 1))

    @staticmethod
    def _shareable(data: Any) -> Shareable:
        headers = data.get(HEADERS, {}) if isinstance(data, dict) else None
        if not isinstance(headers, dict):
            raise RemoteProtocolError(f"expected a map with a map of headers in a Shareable, but got {data!r:.100}")
        return Shareable({key: value for key, value in data.items() if key != HEADERS}, headers)

    @staticmethod
    def _fl_context(data: Any) -> FLContext:
        props = data[1] if isinstance(data, list) and len(data) == 2 else None
        if not isinstance(props, dict) or not all(isinstance(prop, dict) for prop in props.values()):
            raise RemoteProtocolError(
                f"expected a model and a map of properties in an FLContext, but got {data!r:.100}"
            )
        return FLContext({name: prop.get("value") for name, prop in props.items()})

    def _datum(self, data: Any) -> str | bytes:
        datum_id = data.get("datum_id") if isinstance(data, dict) else None
        if not isinstance(datum_id, str) or datum_id not in self._datums:
            raise RemoteProtocolError(f"expected a reference to a datum of the payload, but got {data!r:.100}")
        return self._datums[datum_id]
