"""What goes wrong in the fault matrix: situations as data, each a fault of the mock server and one call of a client."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

LOGIN, LIST, META, SUBMIT, DELETE = "login", "list_jobs", "get_job_meta", "submit_job", "delete_job"
MONITOR, DOWNLOAD = "monitor_job", "download_job_result"

LOGIN_SECONDS = 5.0
"""What a client is given to connect: official ones try again after seconds, and the machine may be a busy one."""
COMMAND_SECONDS = 1.0
"""What a command is given, where the release has ``set_timeout`` over CellNet."""
HANG_SECONDS = 12.0
"""How long a call may take, beside the time that it is given, before the client counts as hung."""

_CELLS = ("2.7", "2.8", "2.9")
_FILES = ("2.4", "2.5", "2.6", *_CELLS)
_RESULT = {"at": "download", "file": "workspace.zip"}


@dataclasses.dataclass(frozen=True)
class FaultCase:
    """A fault, and the call that it strikes.

    Attributes:
        name: in words with dashes.
        what: a sentence for readers.
        call: the method, or ``login``.
        kind: of the fault.
        how: its fields, and when it strikes.
        releases: the release lines that can have it; empty for all.
    """

    name: str
    what: str
    call: str
    kind: str
    how: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    releases: tuple[str, ...] = ()

    def fits(self, release: str) -> bool:
        """Whether the release can have it."""
        return not self.releases or release in self.releases

    @property
    def strikes_before_login(self) -> bool:
        """Whether the fault must be in force when the client logs in: it strikes the login, or the connection."""
        return self.call == LOGIN or self.how.get("at") == "connect" or self.kind == "lose_acknowledgements"


def _case(name: str, what: str, call: str, kind: str, releases: tuple[str, ...] = (), /, **how: Any) -> FaultCase:
    return FaultCase(name, what, call, kind, how, releases)


CASES: tuple[FaultCase, ...] = (
    # --- login
    _case("connect-refused", "Connections are reset at once.", LOGIN, "refuse"),
    _case("connect-refused-once", "The first connection is reset.", LOGIN, "refuse", times=1),
    _case(
        "connect-silent-once",
        "The first connection is accepted, and nothing comes.",
        LOGIN,
        "silence",
        at="connect",
        times=1,
    ),
    _case("connect-late", "The TLS handshake is 0.3 s late.", LOGIN, "delay", at="connect", seconds=0.3),
    _case("login-refused", "The login is refused.", LOGIN, "refuse_login"),
    _case("login-late", "The answer to the login is 0.3 s late.", LOGIN, "delay", command="_cert_login", seconds=0.3),
    _case("login-silent", "The login is never answered.", LOGIN, "silence", command="_cert_login"),
    _case("login-silent-once", "The first login is never answered.", LOGIN, "silence", command="_cert_login", times=1),
    _case(
        "login-closed-once",
        "The connection ends under the first login.",
        LOGIN,
        "close",
        command="_cert_login",
        times=1,
    ),
    _case(
        "login-malformed", "The answer to the login is no envelope.", LOGIN, "text", command="_cert_login", text="hello"
    ),
    _case(
        "login-empty",
        "The answer to the login has no token.",
        LOGIN,
        "reply",
        command="_cert_login",
        items=[{"type": "string", "data": "OK"}],
    ),
    _case("login-extra", "The answer to the login has unknown fields.", LOGIN, "extra_fields", command="_cert_login"),
    _case(
        "login-unknown-item",
        "The answer to the login has an unknown item.",
        LOGIN,
        "unknown_item",
        command="_cert_login",
    ),
    _case("commands-silent", "The list of commands never comes.", LOGIN, "silence", command="_commands"),
    _case("commands-late", "The list of commands is 0.3 s late.", LOGIN, "delay", command="_commands", seconds=0.3),
    _case("commands-empty", "The list of commands is empty.", LOGIN, "reply", command="_commands", items=[]),
    _case("commands-error", "The list of commands is refused.", LOGIN, "reply", command="_commands", error="no"),
    _case("commands-malformed", "The list of commands is no envelope.", LOGIN, "text", command="_commands", text="{}"),
    _case(
        "commands-closed-once",
        "The connection ends under the list of commands, once.",
        LOGIN,
        "close",
        command="_commands",
        times=1,
    ),
    _case("certificate-name", "The server's certificate is of another name.", LOGIN, "certificate", wrong="name"),
    _case(
        "certificate-authority",
        "The server's certificate is of another authority.",
        LOGIN,
        "certificate",
        wrong="authority",
    ),
    _case("certificate-expired", "The server's certificate expired.", LOGIN, "certificate", wrong="expired"),
    _case("tls-old", "The server speaks TLS 1.1 at most.", LOGIN, "old_tls"),
    _case("token-signature", "The token of the registration is signed wrongly.", LOGIN, "wrong_signature", _CELLS),
    # --- a command
    _case("list-late", "The answer is 0.3 s late.", LIST, "delay", command=LIST, seconds=0.3),
    _case("list-silent", "The command is never answered.", LIST, "silence", command=LIST),
    _case("list-closed", "The connection is closed before the server acts.", LIST, "close", command=LIST, times=1),
    _case(
        "list-closed-after",
        "The connection is closed instead of the answer.",
        LIST,
        "close",
        command=LIST,
        direction="answer",
        times=1,
    ),
    _case("list-reset", "The connection is reset.", LIST, "reset", command=LIST, times=1),
    _case("list-cut", "The connection ends in the middle of the answer.", LIST, "cut", command=LIST, keep=30, times=1),
    _case("list-stalled", "The answer stops in its middle.", LIST, "stall", command=LIST, keep=30),
    _case("list-truncated", "The text of the answer is too short.", LIST, "truncate", command=LIST, keep=30),
    _case("list-corrupt", "A byte of the answer is turned.", LIST, "corrupt", command=LIST),
    _case("list-garbage", "The answer is no JSON.", LIST, "text", command=LIST, text="garbage"),
    _case("list-empty-object", "The answer is an empty object.", LIST, "text", command=LIST, text="{}"),
    _case(
        "list-number",
        "The data of the answer is a number.",
        LIST,
        "text",
        command=LIST,
        text='{"data": 5, "meta": {"status": "ok"}}',
    ),
    _case("list-empty", "The answer has no items and no meta.", LIST, "reply", command=LIST),
    _case("list-unknown-item", "The answer has an unknown item.", LIST, "unknown_item", command=LIST),
    _case("list-extra", "The answer has unknown fields.", LIST, "extra_fields", command=LIST),
    _case("list-twice", "The answer comes twice.", LIST, "duplicate", command=LIST),
    _case(
        "list-status",
        "The answer has a status that nobody knows.",
        LIST,
        "reply",
        command=LIST,
        status="on_fire",
        info="smoke",
    ),
    _case(
        "list-error",
        "The server reports an internal error.",
        LIST,
        "reply",
        command=LIST,
        status="internal_error",
        info="boom",
        error="boom",
    ),
    _case(
        "list-error-item",
        "The answer is an error without a meta.",
        LIST,
        "reply",
        command=LIST,
        items=[{"type": "error", "data": "boom"}],
    ),
    _case(
        "list-no-status",
        "The meta has no status.",
        LIST,
        "reply",
        command=LIST,
        items=[{"type": "string", "data": "x"}],
        meta={"jobs": []},
    ),
    _case("list-slow", "The answer comes at 2 kB/s.", LIST, "throttle", command=LIST, rate=2000),
    _case("list-expired", "The session expires under the command.", LIST, "expire_session", command=LIST, times=1),
    _case("list-forgotten", "The server forgets the token.", LIST, "forget_token", command=LIST, times=1),
    _case("list-restart", "The server restarts under the command.", LIST, "restart", command=LIST, times=1),
    _case("list-acks", "No acknowledgement arrives.", LIST, "lose_acknowledgements", _CELLS),
    # --- a command that changes something
    _case(
        "delete-closed-after",
        "delete_job: the connection is closed instead of the answer.",
        DELETE,
        "close",
        command=DELETE,
        direction="answer",
        times=1,
    ),
    _case(
        "submit-closed",
        "submit_job: the connection is closed before the server acts.",
        SUBMIT,
        "close",
        command=SUBMIT,
        times=1,
    ),
    _case(
        "submit-closed-after",
        "submit_job: the connection is closed instead of the answer.",
        SUBMIT,
        "close",
        command=SUBMIT,
        direction="answer",
        times=1,
    ),
    _case(
        "submit-reset-after",
        "submit_job: the connection is reset instead of the answer.",
        SUBMIT,
        "reset",
        command=SUBMIT,
        direction="answer",
        times=1,
    ),
    _case("submit-malformed", "submit_job: the answer is no JSON.", SUBMIT, "text", command=SUBMIT, text="garbage"),
    _case(
        "submit-no-id",
        "submit_job: the answer names no job.",
        SUBMIT,
        "reply",
        command=SUBMIT,
        items=[{"type": "success", "data": ""}],
        meta={"status": "ok", "info": ""},
    ),
    _case("submit-disk", "submit_job: the server's disk is full.", SUBMIT, "full_disk"),
    _case("submit-late", "submit_job: the answer is 0.3 s late.", SUBMIT, "delay", command=SUBMIT, seconds=0.3),
    _case(
        "submit-expired", "submit_job: the session expires under it.", SUBMIT, "expire_session", command=SUBMIT, times=1
    ),
    _case(
        "submit-expired-after",
        "submit_job: the session expires after it.",
        SUBMIT,
        "expire_session",
        command=SUBMIT,
        direction="answer",
        times=1,
    ),
    _case(
        "upload-closed",
        "submit_job: the connection is closed under the upload.",
        SUBMIT,
        "close",
        _CELLS,
        at="upload",
        times=1,
    ),
    # --- a monitor
    _case(
        "monitor-closed",
        "monitor_job: the connection is closed under its second poll.",
        MONITOR,
        "close",
        command=META,
        nth=2,
    ),
    _case(
        "monitor-malformed",
        "monitor_job: the second answer is no JSON.",
        MONITOR,
        "text",
        command=META,
        nth=2,
        text="garbage",
    ),
    _case(
        "monitor-no-meta",
        "monitor_job: the second answer has no job meta.",
        MONITOR,
        "reply",
        command=META,
        nth=2,
        items=[{"type": "success", "data": ""}],
        meta={"status": "ok", "info": ""},
    ),
    _case(
        "monitor-no-status",
        "monitor_job: the job meta has no status.",
        MONITOR,
        "reply",
        command=META,
        nth=2,
        items=[{"type": "dict", "data": {}}],
        meta={"status": "ok", "info": "", "job_meta": {"job_id": "x"}},
    ),
    _case("monitor-restart", "monitor_job: the server restarts under it.", MONITOR, "restart", command=META, nth=2),
    _case(
        "monitor-expired", "monitor_job: the session expires under it.", MONITOR, "expire_session", command=META, nth=2
    ),
    _case("monitor-late", "monitor_job: an answer is 0.3 s late.", MONITOR, "delay", command=META, nth=2, seconds=0.3),
    # --- a download
    _case(
        "download-closed",
        "download: the connection is closed before a file.",
        DOWNLOAD,
        "close",
        _FILES,
        times=1,
        **_RESULT,
    ),
    _case(
        "download-cut",
        "download: the connection ends in the middle of a file.",
        DOWNLOAD,
        "cut",
        _FILES,
        times=1,
        keep=300,
        **_RESULT,
    ),
    _case(
        "download-truncated",
        "download: a file is too short.",
        DOWNLOAD,
        "truncate",
        _FILES,
        times=1,
        keep=30,
        **_RESULT,
    ),
    _case("download-corrupt", "download: a byte of a file is turned.", DOWNLOAD, "corrupt", _FILES, times=1, **_RESULT),
    _case("download-silent", "download: a file does not come.", DOWNLOAD, "silence", _FILES, **_RESULT),
    _case(
        "download-expired",
        "download: the session expires before a file.",
        DOWNLOAD,
        "expire_session",
        _FILES,
        times=1,
        **_RESULT,
    ),
    _case(
        "download-restart",
        "download: the server restarts before a file.",
        DOWNLOAD,
        "restart",
        _FILES,
        times=1,
        **_RESULT,
    ),
    _case(
        "download-reply-cut",
        "download: the connection ends in the middle of the reply.",
        DOWNLOAD,
        "cut",
        command="download_job",
        keep=300,
        times=1,
    ),
    _case(
        "download-reply-closed",
        "download: the connection is closed before the reply.",
        DOWNLOAD,
        "close",
        command="download_job",
        times=1,
    ),
    _case(
        "download-no-files",
        "download: the reply names no files.",
        DOWNLOAD,
        "reply",
        command="download_job",
        items=[{"type": "string", "data": "OK"}],
        meta={"status": "ok", "info": ""},
    ),
    _case(
        "download-slow", "download: a file comes at 100 kB/s.", DOWNLOAD, "throttle", _FILES, rate=100_000, **_RESULT
    ),
)
"""Every case, in the order of the page."""
