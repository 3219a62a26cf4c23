"""FOBS: what official peers send is read, what we send is theirs, and nothing else is ever made into an object."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client.protocol.cellnet import fobs
from flare_client.protocol.cellnet.fobs import FLContext, Shareable, decode, encode
from flare_client.protocol.cellnet.packing import pack, unpack
from flare_client.protocol.errors import LocalProtocolError, RemoteProtocolError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8).filter(lambda key: not key.startswith("__")), inner, max_size=4)
    ),
    max_leaves=15,
)
NAMES = st.text(min_size=1, max_size=8).filter(lambda key: not key.startswith("__"))
OBJECTS = (
    PLAIN
    | st.builds(Shareable, st.dictionaries(NAMES, PLAIN, max_size=4), st.dictionaries(NAMES, PLAIN, max_size=4))
    | st.builds(FLContext, st.dictionaries(NAMES, PLAIN, max_size=4))
)


@given(OBJECTS)
def test_what_is_written_is_read(content: Any) -> None:
    assert decode(encode(content)) == content


def test_a_text_is_one_section_as_official_peers_write_it() -> None:
    """Observed: a text of 121 bytes begins with ``64 00``, its size in 8 bytes, ``d9 79``."""
    text = "{" + "x" * 119 + "}"
    assert encode(text) == bytes.fromhex("6400000000000000007bd979") + text.encode()


def test_a_shareable_is_the_map_that_official_peers_send() -> None:
    wire = encode(Shareable({"cn": "a"}, {"__peer_ctx__": FLContext({"__identity_name__": "a"})}))
    assert unpack(wire[10:]) == {
        "__fobs_type__": "nvflare.apis.shareable.Shareable",
        "__fobs_dc__": "nvflare.fuel.utils.fobs.decomposer.DictDecomposer",
        "__fobs_data__": {
            "cn": "a",
            "__headers__": {
                "__peer_ctx__": {
                    "__fobs_type__": "nvflare.apis.fl_context.FLContext",
                    "__fobs_dc__": "nvflare.apis.utils.decomposers.flare_decomposers.ContextDecomposer",
                    "__fobs_data__": [None, {"__identity_name__": {"value": "a", "mask": 0}}],
                }
            },
        },
    }


@pytest.mark.parametrize("content", ["ä" * (6 * 1024 * 1024), bytes(11 * 1024 * 1024)])
def test_large_values_travel_beside_the_object(content: str | bytes) -> None:
    if isinstance(content, str):
        content *= 2
    wire = encode({"log": content})
    assert len(unpack(section(wire))) == 1
    assert decode(wire) == {"log": content}


def section(wire: bytes) -> bytes:
    size = int.from_bytes(wire[2:10], "big")
    return wire[10 : 10 + size]


def main(content: Any) -> bytes:
    body = pack(content)
    return b"\x64\x00" + len(body).to_bytes(8, "big") + body


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (b"", "main section"),
        (b"\x64", "section header"),
        (b"\x64\x00" + bytes(8), "its size is 0"),
        (b"\x64\x00" + b"\xff" * 8 + b"\x01", "its size is"),
        (main(1) + main(1), "one main section"),
        (b"\x63\x00" + (1).to_bytes(8, "big") + b"\x01", "marker"),
        (main(1) + b"\x65\x00" + (3).to_bytes(8, "big") + b"abc", "id"),
        (main(1) + b"\x65\x00" + (18).to_bytes(8, "big") + bytes(16) + b"\xff\xfe", "UTF-8"),
        (main(1) + b"\x67\x00" + (17).to_bytes(8, "big") + bytes(17), "marker"),
    ],
)
def test_malformed_sections_are_a_protocol_error(wire: bytes, reason: str) -> None:
    with pytest.raises(RemoteProtocolError, match=reason):
        decode(wire)


def named(kind: Any, data: Any, decomposer: Any) -> dict[str, Any]:
    return {"__fobs_type__": kind, "__fobs_data__": data, "__fobs_dc__": decomposer}


DICT = "nvflare.fuel.utils.fobs.decomposer.DictDecomposer"
SHAREABLE = "nvflare.apis.shareable.Shareable"


@pytest.mark.parametrize(
    "content",
    [
        named("subprocess.Popen", ["sh"], DICT),
        named("nvflare.apis.shareable.Shareable", {}, "os.system"),
        named(["a"], {}, DICT),
        named(None, {}, DICT),
        named(SHAREABLE, [], DICT),
        named(SHAREABLE, {"__headers__": 1}, DICT),
        named(SHAREABLE, {"x": named("builtins.eval", "1", DICT)}, DICT),
        named(
            "nvflare.apis.fl_context.FLContext",
            {},
            "nvflare.apis.utils.decomposers.flare_decomposers.ContextDecomposer",
        ),
        named(
            "nvflare.fuel.utils.fobs.datum.DatumRef",
            {"datum_id": "00000000-0000-0000-0000-000000000000", "unwrap": True},
            "nvflare.fuel.utils.fobs.decomposer.DataClassDecomposer",
        ),
    ],
)
def test_only_the_classes_of_the_table_are_read(content: Any) -> None:
    with pytest.raises(RemoteProtocolError, match="expected"):
        decode(main(content))


def test_depth_is_bounded() -> None:
    nested: Any = 1
    for _ in range(200):
        nested = [nested]
    with pytest.raises(RemoteProtocolError):
        decode(main(nested))


@given(st.binary(max_size=120))
def test_noise_is_a_protocol_error_or_plain(data: bytes) -> None:
    for wire in (data, b"\x64\x00" + len(data).to_bytes(8, "big") + data):
        try:
            found = decode(wire)
        except RemoteProtocolError:
            continue
        assert isinstance(found, (str, bytes, int, float, list, dict, type(None)))


def test_what_has_no_place_in_the_table_is_not_sent() -> None:
    with pytest.raises(LocalProtocolError):
        encode({"a": {1, 2}})
    assert fobs.HEADERS == "__headers__"
