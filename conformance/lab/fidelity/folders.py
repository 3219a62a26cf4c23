"""Job definitions that probes submit, by name: what is in them, and what is wrong with some.

Owns: the table of definitions and how a folder is written. Which of them a server refuses is not said here: the
official server decides. The cases of the deploy map, of the number of clients and of resources are those that the
official unit tests of definitions look at, as facts; all folders are written by ``conformance.jobs``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.jobs import write_training
from conformance.lab.jobs import QUICK, SLOW, WAITING

_SERVER, _CLIENT = "app/config/config_fed_server.json", "app/config/config_fed_client.json"
_ONE_SITE: dict[str, Any] = {"app": ["server", "site-1"]}
_BOTH: dict[str, Any] = {"app": ["server", "site-1", "site-2"]}
_HELD = 50
"""Sites that a definition asks for so that it is accepted, and never runs."""


@dataclasses.dataclass(frozen=True)
class Definition:
    """A job definition.

    Attributes:
        name: how probes call it; the name of the job unless ``meta`` says another.
        meta: keys that replace those of a plain training; ``None`` takes a key out.
        without: files that are not there.
        files: texts that replace files, or are there beside them.
        rounds: how often the sites train.
        seconds: how long one training takes.
    """

    name: str
    meta: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    without: tuple[str, ...] = ()
    files: Mapping[str, str] = dataclasses.field(default_factory=dict)
    rounds: int = 1
    seconds: float = 0.0

    @property
    def waits(self) -> bool:
        """Whether its job, if there is one, asks for more sites than there are."""
        return self.meta.get("min_clients") in (_HELD, str(_HELD))

    def write(self, parent: Path) -> Path:
        """Write its folder, and return it.

        Args:
            parent: where it goes.
        """
        folder = write_training(parent, self.name, rounds=self.rounds, seconds=self.seconds, **self.meta)
        for name in self.without:
            (folder / name).unlink()
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return folder


def _held(name: str, /, **meta: Any) -> Definition:
    """A definition that, where it is accepted, waits for more sites than there are."""
    return Definition(name, {"min_clients": _HELD, **meta})


JOBS = (
    Definition(QUICK),
    Definition(SLOW, rounds=600, seconds=2.0),
    Definition(WAITING, {"min_clients": 9}),
    *(Definition(name, {"min_clients": 9}) for name in ("Alpha-1", "beta-1", "alpha-2", "beta-2")),
)
"""Definitions whose jobs probes work on."""

SETTLES = {QUICK: "FINISHED", SLOW: "RUNNING"}
"""The status in which jobs stay, by their names; all others wait."""

CHECKED = (
    # --- the deploy map
    _held("no-deploy-map", deploy_map=None),
    _held("empty-deploy-map", deploy_map={}),
    _held("deploy-map-list", deploy_map=["app"]),
    _held("deploy-map-text", deploy_map="app"),
    _held("app-for-no-site", deploy_map={"app": []}),
    _held("all-sites-and-one", deploy_map={"app": ["@ALL", "site-1"]}),
    _held("all-sites-twice", deploy_map={"app": ["@ALL", "@ALL"]}),
    _held("all-sites-small", deploy_map={"app": ["@all"]}),
    _held("all-sites-two-apps", deploy_map={"app": ["@ALL"], "other": ["@ALL"]}),
    Definition("no-server", {"deploy_map": {"app": ["site-1"]}, "min_clients": 1}),
    Definition("server-twice", {"deploy_map": {"app": ["server", "server", "site-1"]}, "min_clients": 1}),
    Definition("site-twice", {"deploy_map": {"app": ["server", "site-1", "site-1"]}, "min_clients": 1}),
    Definition(
        "site-in-two-apps",
        {"deploy_map": {"app": ["server", "site-1"], "second": ["site-1"]}, "min_clients": 1},
        files={"second/config/config_fed_client.json": "{}"},
    ),
    _held("app-not-there", deploy_map={"none": ["@ALL"]}),
    Definition("server-only", {"deploy_map": {"app": ["server"]}, "min_clients": 1}),
    Definition("server-only-no-minimum", {"deploy_map": {"app": ["server"]}, "min_clients": None}),
    Definition("site-group", {"deploy_map": {"app": {"sites": ["server", "site-1"]}}, "min_clients": 1}),
    Definition("site-group-wrong-key", {"deploy_map": {"app": {"site": ["server", "site-1"]}}, "min_clients": 1}),
    Definition("sites-as-dicts", {"deploy_map": {"app": [{"sites": ["server", "site-1"]}]}, "min_clients": 9}),
    Definition("sites-with-targets", {"deploy_map": {"app": [{"targets": ["server", "site-1"]}]}, "min_clients": 9}),
    Definition("sites-wrong-key", {"deploy_map": {"app": [{"nodes": ["server", "site-1"]}]}, "min_clients": 9}),
    Definition("sites-as-text", {"deploy_map": {"app": "server"}, "min_clients": 1}),
    Definition("site-as-number", {"deploy_map": {"app": ["server", 1]}, "min_clients": 1}),
    Definition("site-as-none", {"deploy_map": {"app": None}, "min_clients": 1}),
    Definition(
        "unknown-site", {"deploy_map": {"app": ["server", "nowhere"]}, "min_clients": 1, "mandatory_clients": []}
    ),
    Definition("app-name-above", {"deploy_map": {"../app": ["@ALL"]}, "min_clients": 1}),
    Definition("app-name-path", {"deploy_map": {"a/b": ["@ALL"]}, "min_clients": 1}),
    Definition("app-name-empty", {"deploy_map": {"": ["@ALL"]}, "min_clients": 1}),
    Definition("app-name-dot", {"deploy_map": {".": ["@ALL"]}, "min_clients": 1}),
    # --- the number of clients
    *(
        Definition(f"min-clients-{word}", {"min_clients": value})
        for word, value in {
            "text": "abc",
            "zero": 0,
            "negative": -1,
            "too-large": 1_000_001,
            "fraction": 1.5,
            "small-fraction": 0.5,
            "true": True,
            "false": False,
            "list": [2],
            "dict": {},
            "empty": "",
        }.items()
    ),
    Definition("min-clients-number-in-text", {"min_clients": "50"}),
    Definition("min-clients-largest", {"min_clients": 1_000_000}),
    Definition("fewer-sites-than-asked", {"deploy_map": _ONE_SITE, "min_clients": 2}),
    Definition("mandatory-elsewhere", {"deploy_map": _ONE_SITE, "min_clients": 1, "mandatory_clients": ["site-9"]}),
    Definition("mandatory-one-elsewhere", {"deploy_map": _BOTH, "mandatory_clients": ["site-1", "site-9"]}),
    Definition("mandatory-as-text", {"deploy_map": _ONE_SITE, "min_clients": 1, "mandatory_clients": "site-1"}),
    Definition("mandatory-as-number", {"deploy_map": _ONE_SITE, "min_clients": 1, "mandatory_clients": 5}),
    _held("mandatory-of-all", mandatory_clients=["site-9"]),
    # --- resources
    *(
        _held(f"resources-{word}", resource_spec=value)
        for word, value in {
            "none": None,
            "number": 5,
            "zero": 0,
            "text": "gpu",
            "list": [1],
            "empty-list": [],
            "of-a-number": {"site-1": 5},
            "of-nothing": {"site-1": None},
            "of-a-list": {"site-1": ["gpu"]},
            "of-a-site": {"site-1": {"num_gpus": 1}},
        }.items()
    ),
    _held("launcher-number", launcher_spec=5),
    _held("launcher-list", launcher_spec=[1]),
    _held("launcher-of-a-number", launcher_spec={"site-1": 5}),
    _held("launcher-of-a-site", launcher_spec={"site-1": {"process": {}}}),
    # --- the meta
    Definition("no-meta", without=("meta.json",)),
    Definition("meta-no-json", files={"meta.json": "{no"}),
    Definition("meta-empty", files={"meta.json": ""}),
    Definition("meta-list", files={"meta.json": "[]"}),
    Definition("meta-text", files={"meta.json": '"meta"'}),
    Definition("meta-empty-object", files={"meta.json": "{}"}),
    _held("no-name", name=None),
    _held("empty-name", name=""),
    _held("name-number", name=5),
    _held("name-blank", name="two words"),
    _held("other-name", name="quite-another"),
    _held("further-keys", colour="blue", nested={"a": [1, 2.5, None, True]}),
    _held("given-id", job_id="11111111-2222-4333-8444-555555555555"),
    _held("given-id-bad", job_id="../up"),
    _held("given-status", status="RUNNING"),
    _held("given-study", study="cancer"),
    _held("given-submitter", submitter_name="somebody", submitter_role="lead"),
    _held("scope-text", scope="public"),
    _held("scope-number", scope=5),
    # --- the files
    Definition("without-server-config", {"min_clients": _HELD}, (_SERVER,)),
    Definition("without-client-config", {"min_clients": _HELD}, (_CLIENT,)),
    Definition("without-configs", {"min_clients": _HELD}, (_SERVER, _CLIENT)),
    Definition(
        "client-config-not-needed",
        {"deploy_map": {"app": ["server"], "second": ["site-1"]}, "min_clients": 1, "mandatory_clients": []},
        (_CLIENT,),
        {"second/config/config_fed_client.json": "{}", "second/config/note.txt": "x"},
    ),
    Definition("server-config-bad", {"min_clients": _HELD}, files={_SERVER: "{no"}),
    Definition("client-config-bad", {"min_clients": _HELD}, files={_CLIENT: "{no"}),
    Definition("custom-code", {"min_clients": _HELD}, files={"app/custom/trainer.py": "x = 1\n"}),
)
"""Definitions for the checks at submission; what is accepted waits, or fails to start, and is removed."""

DEFINITIONS: dict[str, Definition] = {one.name: one for one in (*JOBS, *CHECKED)}
"""Every definition by its name."""
