"""Why a server refuses a definition: the client raises the class of the refusal, and says the reason in its words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from conformance.contract import FROM_24, FROM_28, Document, Level, Observed, contract
from conformance.jobs import edit_meta
from conformance.trial import Trial
from conformance.verdicts import holds

_ALL = "2.3.12, 2.4.2, 2.5.2, 2.6.3, 2.7.3, 2.8.3, 2.9.0"
_LATE = "2.8.3, 2.9.0"

_Change = Callable[[Path], object]


def _refused(
    trial: Trial, what: str, change: _Change, *words: str, names: tuple[str, ...] = ("InvalidJobDefinition",)
) -> None:
    """Demand that a definition is refused, and that the exception says why.

    Args:
        trial: the run.
        what: the fault in words.
        change: puts the fault into a definition.
        *words: parts of the reason; ``{folder}`` stands for the job folder.
        names: the exceptions, one of which must come.
    """
    folder = trial.folder()
    change(folder)
    problem = trial.raises(names, f"a job with {what}", trial.session.call, "submit_job", str(folder))
    for word in words:
        reason = word.format(folder=folder.name)
        holds(reason in problem.text, f"the reason {reason!r} in the exception for {what}", problem.text)


def _meta(**keys: Any) -> _Change:
    return lambda folder: edit_meta(folder, **keys)


def _without(path: str) -> _Change:
    return lambda folder: (folder / path).unlink()


def _broken_json(folder: Path) -> None:
    (folder / "meta.json").write_text('{"name": ')


def _empty(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


@contract(
    "REJ-META-01",
    "No meta",
    "A definition without a meta file raises InvalidJobDefinition, and the exception says that there is none.",
    Document("submit.fails"),
    Observed("2.4.2, 2.5.2, 2.6.3, 2.7.3, 2.8.3, 2.9.0", "meta.[json|conf|yml] not existing for job ..."),
    releases=FROM_24,
)
def no_meta(trial: Trial) -> None:
    _refused(trial, "no meta.json", _without("meta.json"), "meta.[json|conf|yml] not existing for job {folder}")


@contract(
    "REJ-META-02",
    "No meta (2.3)",
    "A definition without a meta file is taken for an application of older days, and refused if it is none.",
    Observed("2.3.12", "App ... in deploy_map doesn't exist"),
    releases=("2.3",),
    level=Level.MAY,
)
def no_meta_23(trial: Trial) -> None:
    _refused(trial, "no meta.json", _without("meta.json"), "App {folder} in deploy_map doesn't exist for job {folder}")


@contract(
    "REJ-EMPTY-01",
    "An empty folder",
    "A folder without anything in it raises InvalidJobDefinition.",
    Document("submit.path"),
    Observed(_ALL, "refused by the server as a job without meta"),
)
def nothing_at_all(trial: Trial) -> None:
    _refused(trial, "no file at all", _empty)


@contract(
    "REJ-JSON-01",
    "A meta that is no JSON",
    "A definition whose meta.json cannot be read raises InvalidJobDefinition with the reason of the parser.",
    Document("submit.fails"),
    Observed("2.4.2, 2.5.2, 2.6.3, 2.7.3, 2.8.3, 2.9.0", "Expecting value: line 1 column 10 (char 9)"),
    releases=FROM_24,
)
def broken_json(trial: Trial) -> None:
    _refused(trial, "a meta.json that ends early", _broken_json, "Expecting value: line 1 column 10")


@contract(
    "REJ-JSON-02",
    "A meta that is no JSON (2.3)",
    "A definition whose meta.json cannot be read raises InternalError with the reason of the parser.",
    Document("submit.fails"),
    Observed("2.3.12", "Exception Occurred: JSONDecodeError: Expecting value ..."),
    releases=("2.3",),
    level=Level.MAY,
)
def broken_json_23(trial: Trial) -> None:
    what = "a meta.json that ends early"
    _refused(trial, what, _broken_json, "JSONDecodeError: Expecting value", names=("InternalError",))


@contract(
    "REJ-MAP-01",
    "Nothing to deploy",
    "A definition without deploy map, or with one without sites, raises InvalidJobDefinition and says so.",
    Document("submit.fails"),
    Observed(_ALL, "deploy_map is empty; No site is specified in deploy_map"),
)
def nothing_to_deploy(trial: Trial) -> None:
    _refused(trial, "no deploy_map", _meta(deploy_map=None), "deploy_map is empty for job {folder}")
    reason = "No site is specified in deploy_map for job {folder}"
    _refused(trial, "a deploy_map without sites", _meta(deploy_map={"app": []}), reason)


@contract(
    "REJ-MAP-02",
    "A deploy map of another form",
    "A deploy map that is no object, or names an app as none may be named, raises InvalidJobDefinition and says so.",
    Observed(_LATE, "deploy_map must be a dictionary; invalid job app name"),
    releases=FROM_28,
    level=Level.SHOULD,
)
def odd_deploy_map(trial: Trial) -> None:
    reason = "deploy_map must be a dictionary for job {folder}"
    _refused(trial, "a list as deploy_map", _meta(deploy_map=["app"]), reason)
    reason = "invalid job app name 'a b'"
    _refused(trial, "an app of the name 'a b'", _meta(deploy_map={"a b": ["@ALL"]}), reason)


@contract(
    "REJ-SITES-01",
    "Sites that do not go together",
    "Sites beside @ALL, a deploy map without server, and a site named twice raise InvalidJobDefinition, each its own.",
    Document("submit.fails"),
    Observed(_ALL, "No other site can be specified; Missing server site; Multiple apps to be deployed"),
)
def odd_sites(trial: Trial) -> None:
    beside = _meta(deploy_map={"app": ["@ALL", "site-1"]})
    _refused(trial, "@ALL beside a site", beside, "No other site can be specified if @ALL is used for job {folder}")
    alone = _meta(deploy_map={"app": ["site-1"]})
    _refused(trial, "no server in the deploy_map", alone, "Missing server site in deploy_map for job {folder}")
    twice = _meta(deploy_map={"app": ["server", "site-1", "site-1"]})
    _refused(trial, "a site twice", twice, "Multiple apps to be deployed to following sites ['site-1']")


@contract(
    "REJ-APP-01",
    "An app that is not there",
    "A deploy map that names an app without a folder raises InvalidJobDefinition, and the exception names the app.",
    Document("submit.fails"),
    Observed(_ALL, "App ... in deploy_map doesn't exist for job ..."),
)
def no_app(trial: Trial) -> None:
    quote = "" if trial.release == "2.3" else "'"
    reason = f"App {quote}other{quote} in deploy_map doesn't exist for job {{folder}}"
    _refused(trial, "an app that is not there", _meta(deploy_map={"other": ["@ALL"]}), reason)


@contract(
    "REJ-CONFIG-01",
    "An app without its configuration",
    "An app without the server's or the clients' configuration raises InvalidJobDefinition, and says which is missing.",
    Document("submit.fails"),
    Observed(_ALL, "will be deployed to server but server config is missing"),
)
def no_configuration(trial: Trial) -> None:
    for side in ("server", "client"):
        missing = _without(f"app/config/config_fed_{side}.json")
        _refused(trial, f"no {side} configuration", missing, f"will be deployed to {side} but {side} config is missing")


@contract(
    "REJ-MIN-01",
    "A number of clients that cannot be",
    "min_clients that is not positive, too large, no number or over the deployed sites raises InvalidJobDefinition.",
    Document("submit.fails"),
    Observed(_ALL, "must be positive; must be less than; can't not convert to Int; clients required"),
)
def odd_min_clients(trial: Trial) -> None:
    _refused(trial, "min_clients 0", _meta(min_clients=0), "min_clients 0 must be positive for job {folder}")
    most = _meta(min_clients=1_000_001)
    _refused(trial, "min_clients over a million", most, "min_clients 1000001 must be less than 1000000")
    _refused(trial, "min_clients 'abc'", _meta(min_clients="abc"), "can't not convert to Int")
    few = _meta(min_clients=3, deploy_map={"app": ["server", "site-1"]})
    _refused(trial, "more clients than sites", few, "min 3 clients required for job {folder}, found 1.")


@contract(
    "REJ-RES-01",
    "Resources of another form",
    "A resource_spec that is no object, or holds no object for a site, raises InvalidJobDefinition and says so.",
    Document("submit.fails"),
    Observed(_ALL, "Invalid resource_spec; value for key ... is expecting a dictionary"),
)
def odd_resources(trial: Trial) -> None:
    reason = "Invalid resource_spec for job {folder}"
    _refused(trial, "a text as resource_spec", _meta(resource_spec="abc"), reason)
    reason = "value for key site-1 in resource spec is expecting a dictionary"
    _refused(trial, "a text as a site's resources", _meta(resource_spec={"site-1": "x"}), reason)


@contract(
    "REJ-MAND-01",
    "A mandatory client that is not deployed",
    "A mandatory client outside the deploy map raises InvalidJobDefinition, and the exception names it.",
    Document("submit.fails"),
    Observed(_ALL, "Mandatory clients {...} are not in the deploy_map"),
)
def undeployed_client(trial: Trial) -> None:
    change = _meta(min_clients=1, deploy_map={"app": ["server", "site-1"]}, mandatory_clients=["site-9"])
    _refused(trial, "a mandatory client that is not deployed", change, "site-9", "are not in the deploy_map")


@contract(
    "REJ-LAUNCH-01",
    "An unknown way to launch a job",
    "A launcher_spec that is no object, or names an unknown mode, raises InvalidJobDefinition and says so.",
    Observed(_LATE, "launcher_spec ... must be a dict; contains unknown launcher mode"),
    releases=FROM_28,
    level=Level.SHOULD,
)
def odd_launcher(trial: Trial) -> None:
    reason = "launcher_spec for job {folder} must be a dict"
    _refused(trial, "a text as launcher_spec", _meta(launcher_spec="x"), reason)
    unknown = _meta(launcher_spec={"site-1": {"moon": {}}})
    _refused(trial, "an unknown mode in launcher_spec", unknown, "contains unknown launcher mode 'moon'")


@contract(
    "REJ-NAME-01",
    "A job folder that may not be named so",
    "A folder whose name is not of letters, digits, dots, underscores and hyphens raises InvalidJobDefinition.",
    Observed(_LATE, "job folder name ... contains unsupported characters, found before anything is sent"),
    releases=FROM_28,
    level=Level.SHOULD,
)
def odd_folder_name(trial: Trial) -> None:
    for name in ("a b", "Prüfung", "-a", "_a"):
        folder = trial.folder()
        renamed = folder.rename(folder.parent / name)
        trial.raises(("InvalidJobDefinition",), f"a folder {name!r}", trial.session.call, "submit_job", str(renamed))
