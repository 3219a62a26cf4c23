"""Every variation, by its name."""

from __future__ import annotations

from mock_server.variation.declared import Variation
from mock_server.variation.identifiers import IDENTIFIER_VARIATIONS
from mock_server.variation.replies import REPLY_VARIATIONS
from mock_server.variation.wire import WIRE_VARIATIONS
from mock_server.variation.writing import TEXT_VARIATIONS

VARIATIONS: dict[str, Variation] = {
    one.name: one for one in (*REPLY_VARIATIONS, *TEXT_VARIATIONS, *IDENTIFIER_VARIATIONS, *WIRE_VARIATIONS)
}
"""In the order in which they are applied to one answer."""
