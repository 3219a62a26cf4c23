"""Variations of the names that a server makes up: of jobs, sessions and transfers. To a client they are words."""

from __future__ import annotations

import string
import uuid

from flare_client.protocol.releases import Dialect, Download
from mock_server.variation.declared import Draw, OfIdentifier, Variation

JOB_IDS, SESSION_TOKENS, TRANSFER_IDS = "job-ids", "session-tokens", "transfer-ids"

_WORD = string.ascii_letters + string.digits + "_-"
"""Of which neither a command line nor an address makes anything else."""


def _job_id(draw: Draw) -> str:
    """A version 4 UUID, as servers from 2.4 on ask for, that looks like something else."""
    alphabet = draw.choice((string.digits, "abcdef", "0123456789e", "0f"))
    digits = "".join(draw.choices(alphabet, k=32))
    zeros = draw.choice((0, 0, 7))
    found = uuid.UUID(hex="0" * zeros + digits[zeros:], version=4)
    return str(found)


def _token(draw: Draw) -> str:
    alphabet = draw.choice((_WORD, string.hexdigits.lower(), _WORD + ".~+/="))
    return "".join(draw.choices(alphabet, k=draw.choice((24, 32, 64, 300))))


def _transfer_id(draw: Draw) -> str:
    return "".join(draw.choices(_WORD, k=draw.choice((20, 36, 80))))


IDENTIFIER_VARIATIONS: tuple[Variation, ...] = (
    OfIdentifier(
        name=JOB_IDS,
        varies="Job ids that look like numbers, like powers of ten, like words, or begin with zeros.",
        legal="An id is a version 4 UUID, and these are; nothing else of it means anything.",
        source="servers of 2.4.2-2.9.0 check for such a UUID, those of 2.3.12 for nothing (observed)",
        make=_job_id,
    ),
    OfIdentifier(
        name=SESSION_TOKENS,
        varies="Session tokens of other lengths and alphabets than those of a UUID.",
        legal="A client sends a token as it came.",
        source="official clients of 2.3.12-2.6.3; from 2.7 on tokens are signed, and have another form by themselves",
        share=0.8,
        dialects=frozenset({Dialect.HCI}),
        make=_token,
    ),
    OfIdentifier(
        name=TRANSFER_IDS,
        varies="Ids of downloads, and references of their files, of other lengths and alphabets.",
        legal="A client asks for a file by the words that it was given.",
        source="official clients of 2.4.2-2.9.0",
        share=0.8,
        fits=lambda profile: profile.download is not Download.INLINE_BASE64,
        make=_transfer_id,
    ),
)
