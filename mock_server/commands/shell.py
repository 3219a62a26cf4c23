"""The shell commands: what the server and the sites show of their workspaces."""

from __future__ import annotations

from flare_client.protocol.jobs import SERVER_SITE
from flare_client.protocol.statuses import MetaStatus
from mock_server.answers import Reply, meta
from mock_server.commands.asking import timed_out
from mock_server.commands.refusals import refused_by_site
from mock_server.commands.registry import answers
from mock_server.commands.targets import connected
from mock_server.context import Call, ServerContext
from mock_server.sites.listing import list_files
from mock_server.sites.shell import SHELL_COMMANDS, ShellRefused, ShellRequest, read_shell_command
from mock_server.sites.texts import show_text
from mock_server.sites.workspace import path_of, workspace


def check_shell_command(context: ServerContext, call: Call) -> Reply | None:
    """Check the words of a shell command; the right comes later, and an unknown site last."""
    if len(call.words) < 2:
        return Reply().error("syntax error: missing target")
    if not context.profile.forgives_quotes and any(not word.strip() for word in call.words[2:]):
        raise IndexError("list index out of range")  # the official server joins the words first (to 2.7)
    try:
        _request(context, call)
    except ShellRefused as refusal:
        return Reply().error(str(refusal))
    return None


def _request(context: ServerContext, call: Call) -> ShellRequest:
    return read_shell_command(call.spec.name, call.words[2:], context.profile.sites)


@answers(*SHELL_COMMANDS)
def shell_command(context: ServerContext, call: Call) -> Reply:
    """What the command prints at the server or at a site; a site that does not allow it says so in its place."""
    machine = call.words[1]
    if machine != SERVER_SITE:
        if machine not in connected(context):
            if not context.profile.detailed_meta_statuses:
                return Reply().error(f"invalid client: {machine}")
            text = f"invalid target: {machine}"
            return Reply().error(text, meta(MetaStatus.INVALID_TARGET, text))
        if machine in call.silent:
            return timed_out(context)
        refusal = refused_by_site(context, call, machine)
        if refusal is not None:
            return Reply().string(refusal)
    output = _output(context, _request(context, call), machine)
    return Reply().string(output if context.profile.sites.keeps_last_newline else output.removesuffix("\n"))


def _output(context: ServerContext, request: ShellRequest, machine: str) -> str:
    if request.name == "pwd":
        return f"{path_of(context, machine)}\n"
    root = workspace(context, machine)
    if request.name == "ls":
        return list_files(root, request.file, request.flags, context.clock.time())
    return show_text(root, request)
