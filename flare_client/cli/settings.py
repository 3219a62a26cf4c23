"""The options that all commands share, where they may stand, and the session that they open."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from flare_client import Session, errors, new_session
from flare_client.cli.exits import CommandFailed, ExitCode, Failure
from flare_client.cli.values import SECONDS, TEXT
from flare_client.kit import StartupKit, load_kit
from flare_client.protocol.cellnet.proof import NotProven, Verifier
from flare_client.protocol.formats import DEFAULT_STUDY
from flare_client.protocol.kit import ADMIN_CONFIG_FILE, INSECURE_USER, STARTUP_DIR, AdminKitConfig

KIT_VARIABLES = ("FLARE_KIT", "NVFLARE_STARTUP_KIT_DIR")
"""The environment variables that name a kit where no option does; the second is the official one."""
CONNECT_SECONDS = 10.0

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the options of all commands say; ``None`` where they do not.

    Attributes:
        kit: the startup kit.
        user: who to log in as.
        study: the study to work in.
        timeout: seconds that what was asked for may take.
        connect_timeout: seconds that the login may take.
        as_json: whether answers are JSON.
        debug: whether to log what happens.
    """

    kit: str | None = None
    user: str | None = None
    study: str | None = None
    timeout: float | None = None
    connect_timeout: float = CONNECT_SECONDS
    as_json: bool = False
    debug: bool = False


def settings() -> Settings:
    """The settings of the command that runs."""
    found = click.get_current_context().find_root().obj
    return found if isinstance(found, Settings) else Settings()


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    root = context.find_root()
    if not isinstance(root.obj, Settings):
        root.obj = Settings()
    # What was not given must not take back what was given before the command.
    if value is not None and value is not False:
        root.obj = dataclasses.replace(root.obj, **{str(parameter.name): value})


def _options(*, at_root: bool) -> list[Callable[[_Function], _Function]]:
    shared: dict[str, Any] = {"expose_value": False, "callback": _remember}
    return [
        click.option(
            "--kit",
            metavar="DIR",
            type=TEXT,
            # Only before the command: there it must not count more than an option.
            envvar=list(KIT_VARIABLES) if at_root else None,
            help=f"The startup kit, the folder above `startup`; otherwise {' or '.join(KIT_VARIABLES)} names it.",
            **shared,
        ),
        click.option(
            "--user", metavar="NAME", type=TEXT, help="Who to log in as; who the kit is of by default.", **shared
        ),
        click.option("--study", metavar="NAME", type=TEXT, help="The study to work in (releases from 2.8).", **shared),
        click.option(
            "--timeout",
            metavar="SECONDS",
            type=SECONDS,
            help="How long what is asked for may take; exit code 5 once it is over.",
            **shared,
        ),
        click.option(
            "--connect-timeout",
            metavar="SECONDS",
            type=SECONDS,
            help=f"How long the login may take; {CONNECT_SECONDS:g} by default.",
            **shared,
        ),
        click.option("--json", "as_json", is_flag=True, help="Answer in JSON: see `flare schema`.", **shared),
        click.option("--debug", is_flag=True, help="Log which commands are sent, and what comes of them.", **shared),
    ]


def root_options(function: _Function) -> _Function:
    """Give the options to the group of all commands."""
    for option in reversed(_options(at_root=True)):
        function = option(function)
    return function


def shared_options(function: _Function) -> _Function:
    """Give the options to a command."""
    for option in reversed(_options(at_root=False)):
        function = option(function)
    return function


def with_session(
    function: Callable[Concatenate[Session, _Arguments], _Result],
) -> Callable[_Arguments, _Result]:
    """Make a command of a function that takes a session first: it has all options, and a login before it begins."""

    @functools.wraps(function)
    def command(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        with open_session() as session:
            return function(session, *args, **kwargs)

    return shared_options(command)


@contextlib.contextmanager
def open_session(*, limits_commands: bool = True) -> Iterator[Session]:
    """Log in with what the options say, and say goodbye in the end.

    Args:
        limits_commands: whether the timeout is one of commands; otherwise the caller minds it.

    Raises:
        CommandFailed: no kit is named.
        ConfigError: the kit is unusable.
        NoConnection: no login within the time.
    """
    given = settings()
    if given.debug:
        # The session lets its own logger speak; those of other packages would write down what they carry.
        logging.basicConfig(format="%(levelname)s %(name)s %(message)s")
    location = kit_location(given)
    kit, user = read_kit(location)
    session = new_session(
        given.user or user,
        str(location),
        secure_mode=is_secure(kit),
        debug=given.debug,
        timeout=given.connect_timeout,
        study=given.study or DEFAULT_STUDY,
    )
    with session:
        if given.timeout is not None and limits_commands:
            session.api.set_command_timeout(given.timeout)
        yield session


def kit_location(given: Settings) -> Path:
    """The folder of the kit; its ``startup`` may be named instead, as official commands allow.

    Raises:
        CommandFailed: none is named.
    """
    if given.kit is None:
        raise CommandFailed(
            Failure(
                ExitCode.USAGE,
                "no_kit",
                f"expected a startup kit, but neither --kit nor {' nor '.join(KIT_VARIABLES)} names one",
                "The kit is the folder above `startup` that your project admin gave you.",
            )
        )
    location = Path(os.path.abspath(given.kit))  # noqa: PTH100 - resolve() would follow links
    return location.parent if location.name == STARTUP_DIR and (location / ADMIN_CONFIG_FILE).is_file() else location


def is_secure(kit: StartupKit) -> bool:
    """Whether the kit is one with certificates: without are those of insecure servers to 2.6."""
    return not isinstance(kit.config, AdminKitConfig) or kit.config.with_ssl


def read_kit(location: Path) -> tuple[StartupKit, str]:
    """Read a kit, and who it is of.

    Raises:
        ConfigError: it is unusable.
    """
    kit = load_kit(str(location), secure=False)
    if not is_secure(kit):
        return kit, INSECURE_USER
    kit = load_kit(str(location), secure=True)
    if kit.client_cert is None:
        raise AssertionError("a kit with certificates names them")
    try:
        return kit, Verifier(kit.client_cert.read_bytes()).common_name
    except (NotProven, OSError) as problem:
        raise errors.KitCredentialsUnusable(f"{kit.client_cert}: {problem}") from problem
