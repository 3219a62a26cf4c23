"""Shell commands on machines: listing folders, and looking into text files below the workspace."""

from __future__ import annotations

from flare_client.arguments import check_options, check_path, check_target, check_text_file
from flare_client.conversation import Conversation
from flare_client.operations.replies import text_of

_LOG = "log.txt"


def ls_target(conversation: Conversation, target: str, options: str | None = None, path: str | None = None) -> str:
    """List files of a machine.

    Args:
        target: ``server`` or a site.
        options: those of ``ls`` among ``-a -l -t -S -R -u``.
        path: the folder, below the machine's workspace; the workspace where there is none.

    Returns:
        What the command prints.

    Raises:
        SyntaxError: the target, the options or the path look like none.
        InvalidTarget: the machine is unknown or not connected.
    """
    words = _words("ls", target, options)
    if path:
        check_path(path)
        words.append(path)
    return _run(conversation, words)


def cat_target(conversation: Conversation, target: str, options: str | None = None, file: str | None = None) -> str:
    """Get the text of a file of a machine.

    Args:
        target: ``server`` or a site.
        options: those of ``cat`` among ``-n -b -s -T``.
        file: the file, below the machine's workspace; its ending must be that of a text file.

    Returns:
        What the command prints.

    Raises:
        SyntaxError: there is no file, or the target, the options or the file look like none.
        InvalidTarget: the machine is unknown or not connected.
    """
    return _read(conversation, "cat", target, options, file)


def tail_target(conversation: Conversation, target: str, options: str | None = None, file: str | None = None) -> str:
    """Get the end of a file of a machine.

    Args:
        target: ``server`` or a site.
        options: ``-n LINES`` or ``-c BYTES``.
        file: see ``cat_target``.

    Returns:
        What the command prints.

    Raises:
        SyntaxError: there is no file, or the target, the options or the file look like none.
        InvalidTarget: the machine is unknown or not connected.
    """
    return _read(conversation, "tail", target, options, file)


def tail_target_log(conversation: Conversation, target: str, options: str | None = None) -> str:
    """Get the end of ``log.txt`` of a machine.

    Args:
        target: ``server`` or a site.
        options: ``-n LINES`` or ``-c BYTES``.

    Returns:
        What the command prints.

    Raises:
        SyntaxError: the target or the options look like none.
        InvalidTarget: the machine is unknown or not connected.
    """
    return tail_target(conversation, target, options, _LOG)


def head_target(conversation: Conversation, target: str, options: str | None = None, file: str | None = None) -> str:
    """Get the beginning of a file of a machine.

    Args:
        target: ``server`` or a site.
        options: ``-n LINES`` or ``-c BYTES``.
        file: see ``cat_target``.

    Returns:
        What the command prints.

    Raises:
        SyntaxError: there is no file, or the target, the options or the file look like none.
        InvalidTarget: the machine is unknown or not connected.
    """
    return _read(conversation, "head", target, options, file)


def head_target_log(conversation: Conversation, target: str, options: str | None = None) -> str:
    """Get the beginning of ``log.txt`` of a machine.

    Args:
        target: ``server`` or a site.
        options: ``-n LINES`` or ``-c BYTES``.

    Returns:
        What the command prints.

    Raises:
        SyntaxError: the target or the options look like none.
        InvalidTarget: the machine is unknown or not connected.
    """
    return head_target(conversation, target, options, _LOG)


def grep_target(
    conversation: Conversation,
    target: str,
    options: str | None = None,
    pattern: str | None = None,
    file: str | None = None,
) -> str:
    """Get the lines of a file of a machine that match a pattern.

    Args:
        target: ``server`` or a site.
        options: those of ``grep`` among ``-n -i -b``.
        pattern: the regular expression.
        file: see ``cat_target``.

    Returns:
        What the command prints.

    Raises:
        SyntaxError: there is no pattern or no file, or the target, the options or the file look like none.
        ValueError: the pattern is no text.
        InvalidTarget: the machine is unknown or not connected.
    """
    words = _words("grep", target, options)
    if not pattern:
        raise SyntaxError("pattern is required but not specified.")
    if not isinstance(pattern, str):
        raise ValueError(f"pattern must be str but got {type(pattern)}")
    # Clients to 2.7 put quotes around the pattern and nothing else, whatever it holds.
    words.append(pattern if conversation.profile.quotes_words else f'"{pattern}"')
    return _run(conversation, [*words, _checked_file(file)])


def get_working_directory(conversation: Conversation, target: str) -> str:
    """Get the folder that a machine works in.

    Args:
        target: ``server`` or a site.

    Returns:
        The path, as the machine says it.

    Raises:
        SyntaxError: the target looks like none.
        InvalidTarget: the machine is unknown or not connected.
    """
    return _run(conversation, _words("pwd", target, None))


def _words(command: str, target: str, options: str | None) -> list[str]:
    check_target(target)
    if not options:
        return [command, target]
    check_options(options)
    return [command, target, options]


def _checked_file(file: str | None) -> str:
    if not file:
        raise SyntaxError("file is required but not specified.")
    check_text_file(file)
    return file


def _read(conversation: Conversation, command: str, target: str, options: str | None, file: str | None) -> str:
    words = _words(command, target, options)
    return _run(conversation, [*words, _checked_file(file)])


def _run(conversation: Conversation, words: list[str]) -> str:
    reply, _ = conversation.ask(conversation.line(*words), needs_meta=False)
    return text_of(reply)
