"""``session.api``: the object behind an official session, as far as programs reach for it.

Commands by their line, with the reply as it came, whatever it says: nothing is raised for what a server or a network
does. Lines of commands with files go through the same transfer as the methods of ``Session``.

Source: the official ``AdminAPI`` of 2.3.12-2.9.0, and its local commands.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any

from flare_client import errors
from flare_client.conversation import Conversation
from flare_client.operations import providers
from flare_client.protocol.command_line import split_line
from flare_client.protocol.commands import AnnouncedCommand, Confirm
from flare_client.protocol.envelope import Envelope, ItemType, Json, error
from flare_client.protocol.kit import AdminKitConfig
from flare_client.protocol.releases import Dialect, Download, Upload
from flare_client.protocol.statuses import ApiStatus, MetaStatus, RequestMetaKey, api_status

Reply = dict[str, Any]
"""``status`` and, where the server answered, ``data``, ``meta`` and ``time``; otherwise ``details``."""

_ADDRESS = "Download_URL:"
"""Before the address of a result that is too large for a reply (release 2.3)."""
_COMMUNICATION_FAILED = "error: "
"""Before what the network did, in the messages of our errors."""


class CommandInfo(enum.Enum):
    """What a console asks before it sends a command; the numbers of releases from 2.7 on."""

    OK = 0
    UNKNOWN = 1
    AMBIGUOUS = 2
    CONFIRM_YN = 3
    CONFIRM_AUTH = 4
    CONFIRM_USER_NAME = 5
    CONFIRM_PWD = 6


_CONFIRMATIONS = {Confirm.YES_NO.value: CommandInfo.CONFIRM_YN, Confirm.AUTH.value: CommandInfo.CONFIRM_AUTH}


class AdminApi:
    """A user's commands to a server, by the line.

    Args:
        conversation: where they go.
        username: who talks.

    Attributes:
        user_name: likewise.
    """

    def __init__(self, conversation: Conversation, username: str) -> None:
        self.user_name = username
        self._conversation = conversation

    @property
    def host(self) -> str:
        """Where the server is, as the kit says."""
        return self._conversation.kit.config.host

    @property
    def port(self) -> int:
        """The port that commands go to."""
        config = self._conversation.kit.config
        return config.admin_port if isinstance(config, AdminKitConfig) else config.port

    @property
    def closed(self) -> bool:
        """Whether the session is over: closed here or ended by the server."""
        return self._conversation.closed or self._conversation.connection.has_ended

    @property
    def server_sess_active(self) -> bool:
        """Whether there is a login that the server has not refused yet."""
        return not self.closed and self._conversation.connection.has_token

    @property
    def cmd_timeout(self) -> float | None:
        """The session's command timeout in seconds; ``None``: as is usual on each side."""
        return self._conversation.connection.timeout

    @property
    def auto_login_max_tries(self) -> int | None:
        """How often a login is tried, whatever time is left; ``None``: until its time is over (official: 15)."""
        return self._conversation.login_tries

    @auto_login_max_tries.setter
    def auto_login_max_tries(self, tries: int | None) -> None:
        self._conversation.login_tries = tries

    def is_ready(self) -> bool:
        """Whether commands can be sent; see ``server_sess_active``."""
        return self.server_sess_active

    def set_command_timeout(self, timeout: float) -> None:
        """Set how long commands may take, in this session: here (releases from 2.7) and where the server asks sites.

        Args:
            timeout: seconds.

        Raises:
            TypeError: it is no number.
            ValueError: it is not positive.
        """
        if not isinstance(timeout, (int, float)) or isinstance(timeout, bool):
            raise TypeError(f"timeout must be a number but got {type(timeout)}")
        if not timeout > 0:
            raise ValueError(f"invalid timeout value {timeout} - must be > 0.0")
        self._conversation.connection.set_timeout(float(timeout))

    def unset_command_timeout(self) -> None:
        """Let commands take as long as is usual on each side."""
        self._conversation.connection.set_timeout(None)

    def close(self) -> None:
        """Close the session; see ``Session.close``."""
        self._conversation.close()

    def logout(self) -> None:
        """Close the session; see ``Session.close``, which tells the server, too."""
        self._conversation.close()

    def check_command(self, command: str) -> CommandInfo:
        """Say what a console should ask before it sends a command.

        Args:
            command: a command line.
        """
        name = _words(command)[0]
        if name in self._local_commands():
            return CommandInfo.OK
        announced = self._find(name)
        return _CONFIRMATIONS.get(announced.confirm, CommandInfo.OK) if announced else CommandInfo.UNKNOWN

    def do_command(self, command: str, props: Any = None) -> Reply:
        """Send a command line and return the reply, whatever it says.

        Args:
            command: the line; the name may stand with its scope, as ``job_mgmt.list_jobs``.
            props: sent along (servers from 2.5 on hand them to commands that want some).

        Returns:
            See ``Reply``: the server's envelope as it came, with the ``status`` that official clients make of its
            items; it is equal to its word, as ``SUCCESS``.
        """
        words = _words(command)
        local = self._local_commands().get(words[0])
        if local is not None:
            reply = local(words)
            return reply if self._conversation.profile.local_replies_have_meta else _without_meta(reply)
        announced = self._find(words[0])
        if announced is None:
            return _said(ApiStatus.ERROR_SYNTAX, f"Command {words[0]} not found")
        if not self.server_sess_active:
            return _said(ApiStatus.ERROR_INACTIVE_SESSION, "Session is inactive, please try later")
        if announced.client_cmd in {form.value for form in Upload}:
            return self._upload(words)
        if announced.client_cmd is not None:
            return self._download(announced, words)
        meta = {RequestMetaKey.CMD_PROPS.value: props} if props else None
        return self._answered(lambda: self._conversation.connection.ask(command, meta))

    def _find(self, name: str) -> AnnouncedCommand | None:
        commands = self._conversation.connection.announced
        return commands.get(name) or next((one for one in commands.values() if one.full_name == name), None)

    def _local_commands(self) -> Mapping[str, Callable[[list[str]], Reply]]:
        """Commands that no server is asked for; those of an overseer in releases to 2.6."""
        if not self._conversation.connection.knows_release:
            return {}
        common = {"info": self._info}
        if self._conversation.profile.dialect is not Dialect.HCI:
            return common
        return {
            **common,
            "list_sp": self._list_sp,
            "get_active_sp": self._get_active_sp,
            "promote_sp": _promote_sp,
        }

    def _info(self, _words: list[str]) -> Reply:
        kit = self._conversation.kit
        text = f"Local Upload Source: {kit.upload_dir}\nLocal Download Destination: {kit.download_dir}\n"
        return {"status": "ok", "details": text}

    def _list_sp(self, _words: list[str]) -> Reply:
        known = providers.known_providers(self._conversation)
        return {"status": ApiStatus.SUCCESS, "details": str(known), "data": known}

    def _get_active_sp(self, _words: list[str]) -> Reply:
        active = providers.get_active_sp(self._conversation)
        details = ", ".join(f"{name}={value!r}" for name, value in active.items())
        return {"status": ApiStatus.SUCCESS, "details": f"SP({details})", "meta": active}

    def _upload(self, words: list[str]) -> Reply:
        if len(words) < 2:
            return _said(ApiStatus.ERROR_SYNTAX, "usage: submit_job job_folder")
        from flare_client import transfer  # noqa: PLC0415 - a program that moves no files need not load it

        connection, kit = self._conversation.connection, self._conversation.kit

        def upload() -> None:
            folder = transfer.absolute_job_folder(
                words[1], kit.upload_dir, as_given_first=self._conversation.profile.finds_jobs_as_given
            )
            transfer.upload_job(connection, kit, folder, options=words[2:])

        return self._transferred(upload)

    def _download(self, announced: AnnouncedCommand, words: list[str]) -> Reply:
        if len(words) < 2:
            return _said(ApiStatus.ERROR_SYNTAX, f"usage: {announced.name} job_id")
        connection, kit = self._conversation.connection, self._conversation.kit

        def download() -> Reply:
            location = connection.download(kit, announced.name, words[1])
            return {
                "status": ApiStatus.SUCCESS,
                "details": f"content downloaded to {location}",
                "meta": {"location": location},
            }

        if self._conversation.profile.download is Download.INLINE_BASE64:
            return self._download_inline(announced.name, words[1])
        return self._transferred(download)

    def _download_inline(self, name: str, job_id: str) -> Reply:
        """A result that comes in the reply itself (release 2.3): what became of it, and the meta that came with it."""
        connection, kit = self._conversation.connection, self._conversation.kit
        with connection.hearing() as replies:
            try:
                connection.download(kit, name, job_id)
                status, details = ApiStatus.SUCCESS, f"Downloaded to dir {kit.download_dir}"
            except Exception as problem:  # noqa: BLE001 - likewise
                status, details = _status_of(problem), str(problem)
        if not replies:
            return _said(status, details)
        reply = replies[-1]
        refusal = reply.first(ItemType.ERROR)
        if refusal is not None:
            status, details = ApiStatus.ERROR_RUNTIME, str(refusal)
        elif str(reply.first(ItemType.STRING)).startswith(_ADDRESS):
            details = str(reply.first(ItemType.STRING))
        return _said(status, details) | {"meta": dict(reply.meta)}

    def _transferred(self, transfer: Callable[[], Reply | None]) -> Reply:
        """What a transfer returns, or else the last reply of the server: the one that says why it came to nothing."""
        with self._conversation.connection.hearing() as replies:
            try:
                done = transfer()
            except Exception as problem:  # noqa: BLE001 - the reply tells, as of any other command
                if replies and replies[-1].meta.get("status", MetaStatus.OK.value) != MetaStatus.OK.value:
                    return _reply(replies[-1])
                return _said(_status_of(problem), str(problem))
        return done if done is not None else _reply(replies[-1])

    def _answered(self, ask: Callable[[], Envelope | None]) -> Reply:
        try:
            reply = ask()
        except errors.SessionClosed:
            return _said(ApiStatus.ERROR_INACTIVE_SESSION, "Session is inactive, please try later")
        except (errors.InternalError, ConnectionError) as problem:
            if self._conversation.profile.dialect is Dialect.HCI and isinstance(problem, errors.ServerUnreachable):
                text = str(problem).removeprefix(_COMMUNICATION_FAILED)
                meta = {"status": MetaStatus.ERROR.value, "info": text}
                return _reply(Envelope((error(text),), meta)) | {"status": ApiStatus.ERROR_SERVER_CONNECTION}
            reply = None
        if reply is None:
            return _said(ApiStatus.ERROR_SERVER_CONNECTION, "Server did not respond")
        return _reply(reply)


def _words(command: str) -> list[str]:
    try:
        return split_line(command)
    except ValueError:  # a quote that is not closed: the server says what it thinks of it
        return command.split(" ")


def _said(status: ApiStatus, details: str) -> Reply:
    """A reply that this side makes up."""
    return {"status": status, "details": details}


def _without_meta(reply: Reply) -> Reply:
    return {name: value for name, value in reply.items() if name != "meta"}


def _reply(reply: Envelope) -> Reply:
    raw: dict[str, Json] = {"time": reply.time, "data": [item.to_json() for item in reply.items]}
    if reply.meta or "meta" in reply.names:
        raw["meta"] = dict(reply.meta)
    return {**raw, "status": api_status(reply.items)}


def _status_of(problem: Exception) -> ApiStatus:
    if isinstance(problem, errors.SessionClosed):
        return ApiStatus.ERROR_INACTIVE_SESSION
    if isinstance(problem, ConnectionError):
        return ApiStatus.ERROR_SERVER_CONNECTION
    return ApiStatus.ERROR_RUNTIME


def _promote_sp(words: list[str]) -> Reply:
    if len(words) != 2:
        meta = {"status": MetaStatus.SYNTAX_ERROR.value, "info": ""}
        return _said(ApiStatus.ERROR_SYNTAX, "usage: promote_sp example1.com:8002:8003") | {"meta": meta}
    text = providers.UNSUPPORTED_BY_AGENT
    meta = {"status": MetaStatus.INTERNAL_ERROR.value, "info": text}
    return _said(ApiStatus.ERROR_RUNTIME, f"Error: {text}") | {"meta": meta}
