"""What is taken out of replies: the text, and the first object."""

from __future__ import annotations

from flare_client.protocol.envelope import Envelope, ItemType, Json


def text_of(reply: Envelope) -> str:
    """The text items of a reply, joined."""
    return "".join(str(text) for text in reply.all(ItemType.STRING))


def object_of(reply: Envelope) -> dict[str, Json]:
    """The first object of a reply; an empty one where there is none."""
    found = reply.first(ItemType.DICT)
    return dict(found) if isinstance(found, dict) else {}
