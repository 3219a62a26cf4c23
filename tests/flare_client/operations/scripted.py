"""A conversation whose answers a test writes; lines and judgement are the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from flare_client import errors
from flare_client.conversation import Conversation
from flare_client.protocol.envelope import Envelope, Item, ItemType
from flare_client.protocol.releases import profile_for
from flare_client.replies import check_reply


def text(content: str) -> Item:
    return Item(ItemType.STRING, content)


def content(data: dict[str, Any]) -> Item:
    return Item(ItemType.DICT, data)


def rows(*data: list[Any]) -> Item:
    return Item(ItemType.TABLE, [list(row) for row in data])


def reply(*items: Item, **meta: Any) -> Envelope:
    """A reply; without items a success."""
    return Envelope(items or (Item(ItemType.SUCCESS, ""),), meta)


FINE = reply(status="ok")

Answer = Envelope | Exception


class ScriptedConversation(Conversation):
    """Answers in the order of the script; the last answer is given for ever.

    Args:
        release: of the server.
        *answers: replies, or what asking ends with.
        others: the conversations that are begun beside it, in order; the last one for ever.
    """

    def __init__(self, release: str, *answers: Answer, others: list[ScriptedConversation] | None = None) -> None:
        self.connection = cast(Any, SimpleNamespace(profile=profile_for(release), knows_release=True))
        self.kit = cast(Any, None)
        self.closed = False
        self.answers = list(answers) or [FINE]
        self.others = others or []
        self.lines: list[str] = []
        self.metas: list[Mapping[str, Any] | None] = []
        self.logins: list[float] = []
        self.last_words = 0

    def require_open(self) -> None:
        if self.closed:
            raise errors.SessionClosed("session closed")

    def again(self) -> ScriptedConversation:
        another = self.others.pop(0) if len(self.others) > 1 else self.others[0]
        another.closed = False  # the last one is many
        return another

    def log_in(self, timeout: float) -> None:
        self.logins.append(timeout)
        if isinstance(self.answers[0], errors.NoConnection):
            raise self.answers[0]

    def close(self) -> None:
        self.closed = True
        self.last_words += 1

    def ask(
        self, line: str, *, needs_meta: bool = True, meta: Mapping[str, Any] | None = None
    ) -> tuple[Envelope, dict[str, Any]]:
        self.require_open()
        self.lines.append(line)
        self.metas.append(meta)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        judged, judged_meta = check_reply(line, answer, self.profile, needs_meta=needs_meta)
        return judged, dict(judged_meta)


def with_upload_folder(conversation: ScriptedConversation, folder: Path) -> ScriptedConversation:
    conversation.kit = cast(Any, SimpleNamespace(upload_dir=folder))
    return conversation
