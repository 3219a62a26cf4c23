"""Variations of when, and in which portions, an answer leaves."""

from __future__ import annotations

from mock_server.variation.declared import Draw, OfWire, Variation

MOST_SECONDS = 0.3
"""That an answer is held back: far within the shortest timeout that a client has by itself."""
_USUAL_SECONDS = 0.03
MOST_PIECES = 8
"""Official receivers of 2.7 and 2.8 put up with sixteen pieces out of order, which their own threads bring about."""


def _delay(draw: Draw) -> float:
    return min(MOST_SECONDS, draw.expovariate(1.0 / _USUAL_SECONDS))


WIRE_VARIATIONS: tuple[Variation, ...] = (
    OfWire(
        name="delays",
        varies=f"An answer takes longer: mostly some hundredths of a second, {MOST_SECONDS:g} s at most.",
        legal="Nobody promises how fast a server answers.",
        source="official servers took 28 to 57 ms for a command on an idle machine (observed: 2.6.3), others take more",
        share=0.4,
        delay=_delay,
    ),
    OfWire(
        name="pieces",
        varies=f"An answer comes in up to {MOST_PIECES} portions: of bytes to 2.6, as pieces of a stream from 2.7 on.",
        legal="TCP keeps no portions together; how large the pieces of a stream are, a server's configuration says.",
        source="RFC 9293; `streaming_chunk_size` of official servers of 2.7.3-2.9.0",
        pieces=lambda draw: draw.randint(2, MOST_PIECES),
    ),
)
