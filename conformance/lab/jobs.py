"""Job definitions that run on a real server, and some that no server accepts.

Owns: their files. The runnable ones are a NumPy training of the official distribution, the same for 2.3 to 2.6.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

QUICK = "quick"
"""Runs a few seconds on a real server."""
SLOW = "slow"
"""Runs for minutes."""
WAITING = "waiting"
"""Asks for more sites than there are, and is never scheduled."""
BROKEN = "J"
"""The folder name of every definition that is refused."""

_NP = "nvflare.app_common.np"
_GATHER = "nvflare.app_common.workflows.scatter_and_gather.ScatterAndGather"
_AGGREGATE = "nvflare.app_common.aggregators.intime_accumulate_model_aggregator.InTimeAccumulateWeightedAggregator"
_SHAREABLE = "nvflare.app_common.shareablegenerators.full_model_shareable_generator.FullModelShareableGenerator"

_ON_SITES = {"app": ["server", "site-1"]}

BROKEN_METAS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("no deploy map", {"deploy_map": {}}),
    ("an app for no site", {"deploy_map": {"app": []}}),
    ("all sites and one more", {"deploy_map": {"app": ["@ALL", "site-1"]}}),
    ("no server", {"deploy_map": {"app": ["site-1"]}}),
    ("a site twice", {"deploy_map": {"app": ["server", "site-1", "site-1"]}}),
    ("an app that is not there", {"deploy_map": {"none": ["@ALL"]}}),
    ("a deploy map for the server only", {"deploy_map": {"app": ["server"]}}),
    ("a deploy map that is a list", {"deploy_map": ["app"]}),
    ("site groups", {"deploy_map": {"app": {"sites": ["server", "site-1"]}}}),
    ("min_clients that is no number", {"min_clients": "abc"}),
    ("min_clients zero", {"min_clients": 0}),
    ("min_clients negative", {"min_clients": -1}),
    ("min_clients too large", {"min_clients": 1_000_001}),
    ("fewer sites than min_clients", {"deploy_map": _ON_SITES, "min_clients": 3}),
    ("resource_spec that is no object", {"resource_spec": 5}),
    ("an entry of resource_spec that is no object", {"resource_spec": {"site-1": 5}}),
    ("a mandatory site elsewhere", {"deploy_map": _ON_SITES, "min_clients": 1, "mandatory_clients": ["site-9"]}),
)
"""What is wrong, and the keys of the meta that make it so."""


def write_job(parent: Path, name: str, *, rounds: int = 1, sleep: float = 0, **meta: Any) -> Path:
    """Write a job folder.

    Args:
        parent: the folder to write it into.
        name: the name of folder and job.
        rounds: how often the sites train.
        sleep: seconds that one training takes.
        **meta: keys of the meta that replace the usual ones.
    """
    folder = parent / name
    config = folder / "app" / "config"
    config.mkdir(parents=True, exist_ok=True)
    usual = {"name": name, "resource_spec": {}, "min_clients": 2, "deploy_map": {"app": ["@ALL"]}}
    _dump(folder / "meta.json", usual | meta)
    _dump(config / "config_fed_server.json", _server_config(rounds))
    _dump(config / "config_fed_client.json", _client_config(sleep))
    return folder


def write_named(parent: Path, kind: str) -> Path:
    """Write one of ``QUICK``, ``SLOW`` and ``WAITING``."""
    if kind == SLOW:
        return write_job(parent, SLOW, rounds=60, sleep=2.0)
    return write_job(parent, kind, **({"min_clients": 9} if kind == WAITING else {}))


def _dump(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2))


def _server_config(rounds: int) -> dict[str, Any]:
    gather = {
        "min_clients": 2,
        "num_rounds": rounds,
        "start_round": 0,
        "wait_time_after_min_received": 0,
        "aggregator_id": "aggregator",
        "persistor_id": "persistor",
        "shareable_generator_id": "shareable_generator",
        "train_task_name": "train",
        "train_timeout": 0,
    }
    return {
        "format_version": 2,
        "task_data_filters": [],
        "task_result_filters": [],
        "components": [
            {"id": "persistor", "path": f"{_NP}.np_model_persistor.NPModelPersistor", "args": {}},
            {"id": "shareable_generator", "path": _SHAREABLE, "args": {}},
            {"id": "aggregator", "path": _AGGREGATE, "args": {"expected_data_kind": "WEIGHTS"}},
        ],
        "workflows": [{"id": "scatter_and_gather", "path": _GATHER, "args": gather}],
    }


def _client_config(sleep: float) -> dict[str, Any]:
    trainer = {"path": f"{_NP}.np_trainer.NPTrainer", "args": {"sleep_time": sleep}}
    return {
        "format_version": 2,
        "executors": [{"tasks": ["train"], "executor": trainer}],
        "task_result_filters": [],
        "task_data_filters": [],
        "components": [],
    }
