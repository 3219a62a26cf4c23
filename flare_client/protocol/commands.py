"""The one table of admin commands.

It feeds the ``_commands`` reply, dispatch and authorisation in the mock server, and the client's knowledge of
what a server of a release can do. Texts and flags are those that the official server of each release announces
(observed: ``_commands`` of 2.3.12, 2.4.2, 2.5.2, 2.6.3, 2.7.3, 2.8.3 and 2.9.0).
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Iterator

from flare_client.protocol.releases import (
    INLINE_DOWNLOAD_COMMAND,
    PROFILES,
    PULL_BINARY_COMMAND,
    PULL_FOLDER_COMMAND,
    Download,
    ReleaseProfile,
    Upload,
)


class Confirm(enum.Enum):
    """What the interactive console asks before it sends a command; the API never asks."""

    NONE = "none"
    YES_NO = "yesno"
    AUTH = "auth"


class Right(enum.Enum):
    """The right a policy grants or refuses for a command.

    Rights without a category of their own in the default policy are granted to nobody but ``any`` roles.
    """

    NONE = "none"
    """A valid session is enough."""
    VIEW = "view"
    SUBMIT_JOB = "submit_job"
    CLONE_JOB = "clone_job"
    MANAGE_JOB = "manage_job"
    DOWNLOAD_JOB = "download_job"
    OPERATE = "operate"
    SHELL_COMMANDS = "shell_commands"
    BYOC = "byoc"
    """Bringing code of one's own in a job; checked when the job is deployed, with the submitter's identity."""
    UNCATEGORISED = "uncategorised"
    """Named nowhere in the default policy."""
    PROJECT_ADMIN_ROLE = "project_admin_role"
    """Not a matter of policy: the role itself must be project_admin."""
    STUDY_ADMIN_ROLE = "study_admin_role"
    """Likewise: project_admin or org_admin."""
    KNOWN_ROLE = "known_role"
    """Likewise: one of the four of official provisioning."""


class Argument(enum.Enum):
    """What a command's first words name; it decides which check comes before authorisation."""

    FREE = "free"
    JOB_ID = "job_id"
    """A job id, optionally followed by targets."""
    JOB_FILE = "job_file"
    """A transaction, a job id and a file name."""
    TARGETS = "targets"
    """``server``, ``client`` or ``all``, then site names."""
    SITES = "sites"
    """Site names alone; all sites where there is none."""
    JOB_SETTING = "job_setting"
    """A job id, targets, and a last word that names none."""
    SHELL = "shell"
    """``server`` or the name of a site, then the words of a shell command."""
    SITE_SETTING = "site_setting"
    """Targets, and a last word that names none."""


@dataclasses.dataclass(frozen=True)
class CommandSpec:
    """One command as some releases have it. A command that changed stands in the table once a form."""

    scope: str
    name: str
    description: str
    usage: str
    right: Right
    argument: Argument = Argument.FREE
    confirm: Confirm = Confirm.NONE
    client_cmd: str | None = None
    """The client-side handler that runs instead of passing the line through."""
    visible: bool = True
    releases: tuple[str, ...] = tuple(PROFILES)

    @property
    def full_name(self) -> str:
        """The name qualified by its scope, as ``job_mgmt.list_jobs``."""
        return f"{self.scope}.{self.name}"

    def row(self) -> list[str | None]:
        """The command as a row of the ``_commands`` table."""
        return [
            self.scope,
            self.name,
            self.description,
            self.usage,
            self.confirm.value,
            self.client_cmd,
            str(self.visible),
        ]


COMMANDS_HEADER = ["SCOPE", "COMMAND", "DESCRIPTION", "USAGE", "CONFIRM", "CLIENTCMD", "VISIBLE"]

_TO_23 = ("2.3",)
_TO_24 = ("2.3", "2.4")
_TO_25 = ("2.3", "2.4", "2.5")
_TO_26 = ("2.3", "2.4", "2.5", "2.6")
_TO_27 = (*_TO_26, "2.7")
_FROM_24_TO_26 = ("2.4", "2.5", "2.6")
_FROM_24 = (*_FROM_24_TO_26, "2.7", "2.8", "2.9")
_FROM_25 = _FROM_24[1:]
_FROM_25_TO_27 = ("2.5", "2.6", "2.7")
_FROM_26 = _FROM_24[2:]
_FROM_27 = _FROM_24[3:]
_FROM_28 = _FROM_24[4:]

_PULLING = frozenset({Download.CHUNKED_PULL, Download.BINARY_PULL, Download.REFERENCES})


def _cell(name: str, description: str, usage: str) -> CommandSpec:
    return CommandSpec("cellnet", name, description, usage, Right.NONE, visible=False)


def _shell(name: str, description: str, usage: str, options: str) -> list[CommandSpec]:
    """A shell command; the word over its options follows the Python that the server runs on."""
    words = '{usage}\n where target is "server" or client name\n\npositional arguments:\n{options}'
    return [
        CommandSpec(
            "sys",
            name,
            description,
            words.format(usage=usage, options=options.format(heading=heading)),
            Right.SHELL_COMMANDS,
            Argument.SHELL,
            releases=releases,
        )
        for heading, releases in (("optional arguments", _TO_23), ("options", _FROM_24))
    ]


_TABLE: tuple[CommandSpec, ...] = (
    _cell("cells", "get system cells info", "cells"),
    _cell("conns", "show connectors of a cell", "conns target_cell"),
    _cell("list_pools", "list stats pools", "list_pools target"),
    _cell("msg_stats", "show request stats", "msg_stats target [mode]"),
    _cell("peers", "show connected peers of a cell", "peers target_cell"),
    _cell("process_info", "show process information", "process_info target"),
    _cell("route", "send message to a cell and show route", "route to_cell [from_cell]"),
    _cell("show_comm_config", "show communication config", "show_comm_config target"),
    _cell("show_config_vars", "show all defined config var values", "show_config_vars target"),
    _cell("show_pool", "show stats pool detail", "show_pool target pool_name [mode]"),
    _cell("speed", "test communication speed between cells", "speed from_fqcn to_fqcn [num_tries] [payload_size]"),
    _cell("stress", "stress test communication among cells", "stress [num_tries] [timeout]"),
    _cell("url_use", "show use of a url", "url_use url"),
    CommandSpec(
        "info",
        "reset_errors",
        "reset error stats for an actively running job",
        "reset_errors",
        Right.VIEW,
        Argument.JOB_ID,
        releases=_TO_23,
    ),
    CommandSpec(
        "info",
        "reset_errors",
        "reset error stats for an actively running job",
        "reset_errors job_id server|client [clients]",
        Right.VIEW,
        Argument.JOB_ID,
        releases=_FROM_24,
    ),
    CommandSpec(
        "info",
        "show_errors",
        "show latest errors in an actively running job",
        "show_errors job_id server|client",
        Right.VIEW,
        Argument.JOB_ID,
        releases=_TO_23,
    ),
    CommandSpec(
        "info",
        "show_errors",
        "show latest errors in an actively running job",
        "show_errors job_id server|client [clients]",
        Right.VIEW,
        Argument.JOB_ID,
        releases=_FROM_24,
    ),
    CommandSpec(
        "info",
        "show_stats",
        "show current system stats for an actively running job",
        "show_stats job_id server|client",
        Right.VIEW,
        Argument.JOB_ID,
        releases=_TO_23,
    ),
    CommandSpec(
        "info",
        "show_stats",
        "show current system stats for an actively running job",
        "show_stats job_id server|client [clients]",
        Right.VIEW,
        Argument.JOB_ID,
        releases=_FROM_24,
    ),
    CommandSpec(
        "job_mgmt",
        "abort_job",
        "abort a job if it is running or dispatched",
        "abort_job job_id",
        Right.MANAGE_JOB,
        Argument.JOB_ID,
        Confirm.YES_NO,
    ),
    CommandSpec(
        "job_mgmt",
        "abort_task",
        "abort the client current task execution",
        "abort_task job_id <client-name>",
        Right.MANAGE_JOB,
        Argument.JOB_ID,
        releases=_TO_23,
    ),
    CommandSpec(
        "job_mgmt",
        "app_command",
        "execute an app-defined command",
        "app_command job_id topic # cmd_data",
        Right.UNCATEGORISED,
        Argument.JOB_ID,
        releases=_FROM_25,
    ),
    CommandSpec(
        "job_mgmt",
        "clone_job",
        "clone a job with a new job_id",
        "clone_job job_id",
        Right.CLONE_JOB,
        Argument.JOB_ID,
    ),
    CommandSpec(
        "job_mgmt",
        "configure_job_log",
        "configure logging of a running job",
        "configure_job_log job_id server|client <client-name>... config",
        Right.MANAGE_JOB,
        Argument.JOB_SETTING,
        releases=_FROM_26,
    ),
    CommandSpec(
        "job_mgmt",
        "delete_job",
        "delete a job and persisted workspace",
        "delete_job job_id",
        Right.MANAGE_JOB,
        Argument.JOB_ID,
        Confirm.AUTH,
    ),
    CommandSpec(
        "job_mgmt",
        "download_job",
        "download a specified job",
        "download_job job_id",
        Right.DOWNLOAD_JOB,
        Argument.JOB_ID,
        client_cmd=INLINE_DOWNLOAD_COMMAND,
        releases=_TO_23,
    ),
    CommandSpec(
        "job_mgmt",
        "download_job",
        "download a specified job",
        "download_job job_id [destination]",
        Right.DOWNLOAD_JOB,
        Argument.JOB_ID,
        client_cmd=PULL_FOLDER_COMMAND,
        releases=_FROM_24,
    ),
    CommandSpec(
        "job_mgmt",
        "download_job_components",
        "download additional components for a specified job",
        "download_job_components job_id",
        Right.NONE,
        client_cmd=PULL_FOLDER_COMMAND,
        releases=("2.6",),
    ),
    CommandSpec(
        "job_mgmt",
        "download_job_components",
        "download additional components for a specified job",
        "download_job_components job_id",
        Right.UNCATEGORISED,
        Argument.JOB_ID,
        client_cmd=PULL_FOLDER_COMMAND,
        releases=_FROM_27,
    ),
    CommandSpec(
        "job_mgmt",
        "download_job_file",
        "download a specified job file",
        "download_job_file job_id file_name",
        Right.DOWNLOAD_JOB,
        Argument.JOB_FILE,
        client_cmd=PULL_BINARY_COMMAND,
        visible=False,
        releases=_FROM_24_TO_26,
    ),
    CommandSpec(
        "job_mgmt",
        "get_job_meta",
        "get meta info of specified job",
        "get_job_meta job_id",
        Right.VIEW,
        Argument.JOB_ID,
    ),
    CommandSpec(
        "job_mgmt",
        "list_job",
        "list additional components of specified job",
        "list_job job_id",
        Right.UNCATEGORISED,
        Argument.JOB_ID,
        releases=_FROM_26,
    ),
    CommandSpec(
        "job_mgmt",
        "list_jobs",
        "list submitted jobs",
        "list_jobs [-n name_prefix] [-d] [-u] [-r] [-m num_of_jobs] [job_id_prefix]",
        Right.VIEW,
        releases=_TO_27,
    ),
    CommandSpec(
        "job_mgmt",
        "list_jobs",
        "list submitted jobs",
        "list_jobs [-n name_prefix] [-d] [-u] [-r] [-m num_of_jobs] [--submit-token token] [job_id_prefix]",
        Right.VIEW,
        releases=_FROM_28,
    ),
    CommandSpec(
        "job_mgmt",
        "start_app",
        "start the FL app",
        "start_app job_id server|client|all",
        Right.MANAGE_JOB,
        Argument.JOB_ID,
        releases=_TO_25,
    ),
    CommandSpec(
        "job_mgmt",
        "submit_job",
        "submit a job",
        "submit_job job_folder",
        Right.SUBMIT_JOB,
        client_cmd=Upload.INLINE_BASE64.value,
        releases=_TO_24,
    ),
    CommandSpec(
        "job_mgmt",
        "submit_job",
        "submit a job",
        "submit_job job_folder",
        Right.SUBMIT_JOB,
        client_cmd=Upload.BINARY_EXCHANGE.value,
        releases=_FROM_25_TO_27,
    ),
    CommandSpec(
        "job_mgmt",
        "submit_job",
        "submit a job",
        "submit_job job_folder [--submit-token token]",
        Right.SUBMIT_JOB,
        client_cmd=Upload.BINARY_EXCHANGE.value,
        releases=_FROM_28,
    ),
    *_shell(
        "cat",
        "show content of a file",
        "cat target [options] fileName",
        "  file\n\n{heading}:\n  -n    number all output lines\n  -b    number nonempty output lines, overrides -n\n"
        "  -s    suppress repeated empty output lines\n  -T    display TAB characters as ^I\n",
    ),
    CommandSpec(
        "sys",
        "configure_site_log",
        "configure logging of a site",
        "configure_site_log server|client <client-name>... config",
        Right.OPERATE,
        Argument.SITE_SETTING,
        releases=_FROM_26,
    ),
    CommandSpec(
        "sys",
        "dead",
        "send dead client msg to SJ",
        "dead <client-name>",
        Right.PROJECT_ADMIN_ROLE,
        visible=False,
        releases=("2.3", *_FROM_25),
    ),
    *_shell(
        "grep",
        "search for PATTERN in a file.",
        "grep target [options] PATTERN fileName",
        "  pattern\n  file\n\n{heading}:\n  -n       print line number with output lines\n"
        "  -i       ignore case distinctions\n  -b       print the byte offset with output lines\n",
    ),
    *_shell(
        "head",
        "print the first 10 lines of a file",
        "head target [options] fileName",
        "  file\n\n{heading}:\n  -c C  print the first C bytes of each file\n"
        "  -n N  print the first N lines instead of the first 10\n",
    ),
    *_shell(
        "ls",
        "list files in work dir",
        "ls target [options] [files]",
        "  file\n\n{heading}:\n  -a\n  -l    use a long listing format\n"
        "  -t    sort by modification time, newest first\n  -S    sort by file size, largest first\n"
        "  -R    list subdirectories recursively\n"
        "  -u    with -l: show access time, otherwise: sort by access time\n",
    ),
    CommandSpec(
        "sys",
        "pwd",
        "print the name of work directory",
        'pwd target\nwhere target is "server" or client name\n',
        Right.SHELL_COMMANDS,
        Argument.SHELL,
    ),
    CommandSpec(
        "sys",
        "report_env",
        "get env info of a client",
        "report_env <client-name>",
        Right.OPERATE,
        releases=_FROM_24,
    ),
    CommandSpec(
        "sys",
        "report_resources",
        "get the resources info",
        "report_resources server | client <client-name> ...",
        Right.OPERATE,
        Argument.TARGETS,
    ),
    CommandSpec(
        "sys",
        "sys_info",
        "get the system info",
        "sys_info server|client <client-name> ...",
        Right.OPERATE,
        Argument.TARGETS,
    ),
    *_shell(
        "tail",
        "print the last 10 lines of a file",
        "tail target [options] fileName",
        "  file\n\n{heading}:\n  -c C  output the last C bytes\n  -n N  output the last N lines\n",
    ),
    CommandSpec(
        "training",
        "admin_check_status",
        "check status for shutdown system command",
        "admin_check_status",
        Right.PROJECT_ADMIN_ROLE,
        visible=False,
        releases=_TO_23,
    ),
    CommandSpec(
        "training",
        "admin_check_status",
        "check status for project admin",
        "admin_check_status server|client",
        Right.PROJECT_ADMIN_ROLE,
        visible=False,
        releases=_FROM_24,
    ),
    CommandSpec(
        "training",
        "check_status",
        "check status of the FL server/client",
        "check_status server|client",
        Right.VIEW,
        Argument.TARGETS,
    ),
    CommandSpec(
        "training",
        "remove_client",
        "remove a FL client",
        "remove_client <client-name>",
        Right.OPERATE,
        Argument.SITES,
        confirm=Confirm.AUTH,
        releases=_TO_27,
    ),
    CommandSpec(
        "training",
        "remove_client",
        "release a client's active token so the client may register again",
        "remove_client <client-name>",
        Right.OPERATE,
        Argument.SITES,
        confirm=Confirm.AUTH,
        visible=False,
        releases=_FROM_28,
    ),
    CommandSpec(
        "training",
        "restart",
        "restart the FL server/client",
        "restart server|client|all",
        Right.OPERATE,
        Argument.TARGETS,
        Confirm.AUTH,
        releases=_TO_23,
    ),
    CommandSpec(
        "training",
        "restart",
        "restart FL server and/or clients",
        "restart server|client|all [clients]",
        Right.OPERATE,
        Argument.TARGETS,
        Confirm.AUTH,
        releases=_FROM_24,
    ),
    CommandSpec(
        "training",
        "set_timeout",
        "set the admin commands timeout",
        "set_timeout seconds ",
        Right.OPERATE,
        releases=_TO_23,
    ),
    CommandSpec(
        "training",
        "show_scopes",
        "show configured scope names on server/client",
        "show_scopes server|client|all ...",
        Right.VIEW,
        Argument.TARGETS,
    ),
    CommandSpec(
        "training",
        "shutdown",
        "shutdown the FL server/client",
        "shutdown server|client|all",
        Right.OPERATE,
        Argument.TARGETS,
        Confirm.AUTH,
    ),
    CommandSpec(
        "job_mgmt",
        "get_job_log",
        "get job log text from the server-side log store",
        "get_job_log job_id [server|all|client_name]",
        Right.UNCATEGORISED,
        Argument.JOB_ID,
        releases=_FROM_28,
    ),
    CommandSpec(
        "sess",
        "list_sessions",
        "list user sessions",
        "list_sessions",
        Right.NONE,
        visible=False,
        releases=_FROM_27,
    ),
    CommandSpec(
        "study_mgmt",
        "add_study_site",
        "add sites to a study",
        "add_study_site <study> [--sites s1,s2,...] [--site-org org:s1,s2,...]",
        Right.STUDY_ADMIN_ROLE,
        releases=_FROM_28,
    ),
    CommandSpec(
        "study_mgmt",
        "add_study_user",
        "add a user to a study",
        "add_study_user <study> <user>",
        Right.STUDY_ADMIN_ROLE,
        releases=_FROM_28,
    ),
    CommandSpec(
        "study_mgmt",
        "list_studies",
        "list visible studies",
        "list_studies",
        Right.KNOWN_ROLE,
        releases=_FROM_28,
    ),
    CommandSpec(
        "study_mgmt",
        "register_study",
        "create or merge a study",
        "register_study <study> [--sites s1,s2,...] [--site-org org:s1,s2,...]",
        Right.STUDY_ADMIN_ROLE,
        releases=_FROM_28,
    ),
    CommandSpec(
        "study_mgmt",
        "remove_study",
        "remove a study",
        "remove_study <study>",
        Right.PROJECT_ADMIN_ROLE,
        confirm=Confirm.AUTH,
        releases=_FROM_28,
    ),
    CommandSpec(
        "study_mgmt",
        "remove_study_site",
        "remove sites from a study",
        "remove_study_site <study> [--sites s1,s2,...] [--site-org org:s1,s2,...]",
        Right.STUDY_ADMIN_ROLE,
        releases=_FROM_28,
    ),
    CommandSpec(
        "study_mgmt",
        "remove_study_user",
        "remove a user from a study",
        "remove_study_user <study> <user>",
        Right.STUDY_ADMIN_ROLE,
        releases=_FROM_28,
    ),
    CommandSpec(
        "study_mgmt",
        "show_study",
        "show a study",
        "show_study <study>",
        Right.STUDY_ADMIN_ROLE,
        releases=_FROM_28,
    ),
    CommandSpec(
        "sys",
        "report_version",
        "get NVFlare version info",
        "report_version server|client|all <client-name> ...",
        Right.UNCATEGORISED,
        Argument.TARGETS,
        releases=_FROM_28,
    ),
    CommandSpec(
        "training",
        "disable_client",
        "disable a FL client from reconnecting",
        "disable_client <client-name>",
        Right.OPERATE,
        confirm=Confirm.AUTH,
        releases=_FROM_28,
    ),
    CommandSpec(
        "training",
        "enable_client",
        "enable a disabled FL client to reconnect",
        "enable_client <client-name>",
        Right.OPERATE,
        confirm=Confirm.AUTH,
        releases=_FROM_28,
    ),
)


class CommandTable:
    """The commands of one release, in the order in which they are announced."""

    def __init__(self, commands: Iterable[CommandSpec]) -> None:
        self._commands = tuple(sorted(commands, key=lambda spec: (spec.scope, spec.name)))
        self._by_name = {name: spec for spec in self._commands for name in (spec.name, spec.full_name)}

    def __iter__(self) -> Iterator[CommandSpec]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)

    def find(self, name: str) -> CommandSpec | None:
        """Return the command of that plain or qualified name; names are case-sensitive."""
        return self._by_name.get(name)

    def rows(self) -> list[list[str | None]]:
        """The table of the ``_commands`` reply, header first."""
        return [list(COMMANDS_HEADER), *(spec.row() for spec in self._commands)]


_TABLES = {release: CommandTable(spec for spec in _TABLE if release in spec.releases) for release in PROFILES}


def commands_of(profile: ReleaseProfile) -> CommandTable:
    """Return the commands that a server of the release announces."""
    return _TABLES[profile.release]


@dataclasses.dataclass(frozen=True)
class AnnouncedCommand:
    """A row of a ``_commands`` reply as a client reads it."""

    scope: str
    name: str
    client_cmd: str | None
    confirm: str = Confirm.NONE.value
    """What a console asks first, as the server writes it."""

    @property
    def full_name(self) -> str:
        """The name qualified by its scope."""
        return f"{self.scope}.{self.name}"


def read_announcement(rows: list[list[object]]) -> dict[str, AnnouncedCommand]:
    """Read the ``_commands`` table that a server sent.

    The first row is a header whatever it holds, and a row of fewer than five cells ends the table: official
    clients of 2.3-2.6 read it so.

    Returns:
        The announced commands by plain name. A name that two scopes share is left out: it is ambiguous, and
        official clients refuse it.
    """
    found: dict[str, AnnouncedCommand] = {}
    ambiguous: set[str] = set()
    for row in rows[1:]:
        if len(row) < 5:
            break
        scope, name = str(row[0]), str(row[1])
        client_cmd = row[5] if len(row) > 5 else None
        if name in found and found[name].scope != scope:
            ambiguous.add(name)
        handler = client_cmd if isinstance(client_cmd, str) else None
        found[name] = AnnouncedCommand(scope, name, handler, str(row[4]))
    for name in ambiguous:
        del found[name]
    return found


def recognise_release(announced: dict[str, AnnouncedCommand]) -> ReleaseProfile | None:
    """Tell the release of a server from the commands it announces; nothing else of the socket dialect names it.

    2.8 and 2.9 announce the same and count as 2.9 here; the admin token tells them apart.

    Returns:
        The profile, or ``None`` where the rows for submitting and downloading fit no known release.
    """
    submit, download = announced.get("submit_job"), announced.get("download_job")
    if submit is None or download is None:
        return None
    pulls = download.client_cmd == PULL_FOLDER_COMMAND
    candidates = [
        profile
        for profile in PROFILES.values()
        if profile.upload.value == submit.client_cmd and (profile.download in _PULLING) == pulls
    ]
    if not candidates:
        return None
    # 2.5 and 2.6 transfer alike: the newest candidate whose own commands are all there is the one.
    complete = [p for p in candidates if all(spec.name in announced for spec in commands_of(p))]
    return complete[-1] if complete else candidates[0]
