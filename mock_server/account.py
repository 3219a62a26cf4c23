"""What a command came to, told to the transcript and to whoever counts calls."""

from __future__ import annotations

import contextlib

from flare_client.protocol.envelope import Envelope, ItemType, read_envelope
from flare_client.protocol.errors import ProtocolError
from flare_client.protocol.statuses import MetaKey
from mock_server.answers import Answer, EmptyAnswer, Reply, SilentAnswer
from mock_server.context import Request
from mock_server.faults.course import End, Form
from mock_server.transcript import Calls, Transcript
from mock_server.transcript.facts import Commanded

_FORMS: dict[type[Answer], str] = {Reply: "reply", EmptyAnswer: "empty", SilentAnswer: "silence"}


class Account:
    """Tells of commands.

    Args:
        transcript: of the server.
        calls: of the server.
    """

    def __init__(self, transcript: Transcript, calls: Calls) -> None:
        self._transcript = transcript
        self._calls = calls

    def clear(self) -> None:
        """Forget all that was told."""
        self._transcript.clear()
        self._calls.clear()

    def answered(self, request: Request, answer: Answer, user: str, size: int | None) -> None:
        """Tell of a command that was answered.

        Args:
            request: the command.
            answer: what was answered.
            user: whose command it was.
            size: bytes of the file that came with it, before it was taken in.
        """
        said = answer if isinstance(answer, Reply) else None
        self._tell(request, _told(request, _FORMS.get(type(answer), "file"), said, user, size))

    def lost(self, request: Request, end: End | None, form: Form, user: str) -> None:
        """Tell of a command that a fault takes before it is carried out.

        Args:
            request: the command.
            end: how the connection ends; ``None`` where something is said instead.
            form: what is said instead.
            user: whose command it was.
        """
        word, said = end.name.lower() if end is not None else "reply", None
        if end is None:
            with contextlib.suppress(ProtocolError):  # what is said instead need not be an envelope
                said = read_envelope(form.text(Reply().envelope("").encode().decode("ascii")))
        self._tell(request, _told(request, word, said, user, upload_size(request)))

    def _tell(self, request: Request, fact: Commanded) -> None:
        self._calls.add(fact)
        self._transcript.note(request.trace, fact)


def upload_size(request: Request) -> int | None:
    """Bytes of the file that came with a request."""
    return request.upload.stat().st_size if request.upload is not None else None


def _told(request: Request, form: str, said: Reply | Envelope | None, user: str, upload_size: int | None) -> Commanded:
    status, info, error = None, "", ""
    if said is not None:
        status, info = said.meta.get(MetaKey.STATUS.value), str(said.meta.get(MetaKey.INFO.value, ""))
        error = next((str(item.data) for item in said.items if item.type is ItemType.ERROR), "")
    return Commanded(request.line, user, request.token, form, status, info, error, upload_size)
