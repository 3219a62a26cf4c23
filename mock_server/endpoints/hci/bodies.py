"""The bytes of an answer that holds a file, and of one that a fault has a hand in; read and made block by block."""

from __future__ import annotations

import base64
import datetime
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from flare_client.protocol.envelope import Envelope, string
from flare_client.protocol.hci.chunks import CHUNK_SIZE, encode_chunk, encode_end
from flare_client.protocol.hci.exchange import encode_footer, encode_header
from flare_client.protocol.hci.text import encode_text
from mock_server.answers import InlineFileAnswer
from mock_server.faults.course import Form, turned

_BLOCK = 512 * 1024
_BASE64_BLOCK = 3 * 128 * 1024
_PLACEHOLDER = "<the file goes here>"
_FRAME = 64
"""Bytes that a block has at most which holds the frame of a file, and nothing of it."""


def now() -> str:
    """The time as envelopes say it."""
    return str(datetime.datetime.now())  # noqa: DTZ005 - the wire carries local time without a zone


def chunked(file: BinaryIO) -> Iterator[bytes]:
    """A file as chunks, numbered, and its checksum at the end."""
    checksum = 0
    number = 0
    while block := file.read(CHUNK_SIZE):
        number += 1
        checksum = zlib.crc32(block, checksum)
        yield encode_chunk(number, block)
    yield encode_end(checksum)


def exchanged(file: BinaryIO, size: int) -> Iterator[bytes]:
    """A file as the body of an exchange, between its header and its checksum."""
    checksum = 0
    yield encode_header(b"", size)
    while block := file.read(_BLOCK):
        checksum = zlib.crc32(block, checksum)
        yield block
    yield encode_footer(checksum)


def inlined(file: BinaryIO, answer: InlineFileAnswer) -> Iterator[bytes]:
    """A file as the text of a reply, in base64."""
    envelope = Envelope((string(_PLACEHOLDER),), answer.meta, now())
    before, after = encode_text(envelope).split(_PLACEHOLDER.encode("ascii"))
    yield before
    while block := file.read(_BASE64_BLOCK):
        yield base64.b64encode(block)
    yield after


def formed(blocks: Iterator[bytes], form: Form) -> Iterator[bytes]:
    """The bytes of an answer in a form: one of them turned, or no more than so many."""
    at, sent = form.corrupt, 0
    for block in blocks:
        if at is not None and ((at < 0 and len(block) > _FRAME) or sent <= at < sent + len(block)):
            block = turned(block, len(block) // 2 if at < 0 else at - sent)  # noqa: PLW2901 - it is the same one
            at = None
        limit = len(block) if form.cut is None else form.cut - sent
        yield block[:limit]
        sent += len(block)
        if form.cut is not None and sent >= form.cut:
            return
