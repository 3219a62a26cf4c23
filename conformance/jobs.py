"""Job definitions for checks: real ones, which an official server runs and the mock simulates."""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import Any


class JobKind(enum.Enum):
    """How a job fares, on any server; the value begins its name, and the mock's scenario goes by that."""

    QUICK = "quick"
    """Starts at once and ends soon, completed."""
    LONG = "long"
    """Starts at once and runs for longer than any check."""
    WAITING = "waiting"
    """Asks for more sites than there are, so it is never scheduled."""


MANY_SITES = 50
ROUNDS = {JobKind.QUICK: 1, JobKind.LONG: 500, JobKind.WAITING: 1}
ROUND_SECONDS = {JobKind.QUICK: 0.0, JobKind.LONG: 2.0, JobKind.WAITING: 0.0}

_NP = "nvflare.app_common"


def _server_config(rounds: int) -> dict[str, Any]:
    return {
        "format_version": 2,
        "server": {"heart_beat_timeout": 600},
        "components": [
            {"id": "persistor", "path": f"{_NP}.np.np_model_persistor.NPModelPersistor", "args": {}},
            {
                "id": "shareable_generator",
                "path": f"{_NP}.shareablegenerators.full_model_shareable_generator.FullModelShareableGenerator",
                "args": {},
            },
            {
                "id": "aggregator",
                "path": f"{_NP}.aggregators.intime_accumulate_model_aggregator.InTimeAccumulateWeightedAggregator",
                "args": {"expected_data_kind": "WEIGHTS"},
            },
        ],
        "workflows": [
            {
                "id": "scatter_and_gather",
                "path": f"{_NP}.workflows.scatter_and_gather.ScatterAndGather",
                "args": {
                    "min_clients": 2,
                    "num_rounds": rounds,
                    "start_round": 0,
                    "wait_time_after_min_received": 0,
                    "aggregator_id": "aggregator",
                    "persistor_id": "persistor",
                    "shareable_generator_id": "shareable_generator",
                    "train_task_name": "train",
                    "train_timeout": 0,
                },
            }
        ],
    }


def _client_config(seconds: float) -> dict[str, Any]:
    trainer = {"path": f"{_NP}.np.np_trainer.NPTrainer", "args": {"sleep_time": seconds}}
    return {"format_version": 2, "executors": [{"tasks": ["train"], "executor": trainer}], "components": []}


def write_training(parent: Path, name: str, /, *, rounds: int = 1, seconds: float = 0.0, **meta: Any) -> Path:
    """Write the folder of a NumPy training of the official distribution, the same for every release.

    Args:
        parent: where the folder goes.
        name: the name of the folder and of the job.
        rounds: how often the sites train.
        seconds: how long one training takes.
        **meta: keys that replace those of the meta; a value of ``None`` leaves the key out.

    Returns:
        The folder.
    """
    folder = parent / name
    config = folder / "app" / "config"
    config.mkdir(parents=True, exist_ok=True)
    content = {"name": name, "resource_spec": {}, "min_clients": 2, "deploy_map": {"app": ["@ALL"]}, **meta}
    (folder / "meta.json").write_text(json.dumps({key: value for key, value in content.items() if value is not None}))
    (config / "config_fed_server.json").write_text(json.dumps(_server_config(rounds)))
    (config / "config_fed_client.json").write_text(json.dumps(_client_config(seconds)))
    return folder


def write_job(parent: Path, name: str, kind: JobKind, meta: dict[str, Any] | None = None) -> Path:
    """Write the folder of a job that fares in a certain way.

    Args:
        parent: where the folder goes.
        name: the name of the folder and of the job.
        kind: how it is to fare.
        meta: keys that replace those of the meta; a value of ``None`` leaves the key out.

    Returns:
        The folder.
    """
    many = {"min_clients": MANY_SITES} if kind is JobKind.WAITING else {}
    return write_training(parent, name, rounds=ROUNDS[kind], seconds=ROUND_SECONDS[kind], **{**many, **(meta or {})})


def edit_meta(folder: Path, **keys: Any) -> Path:
    """Change the meta of a job definition.

    Args:
        folder: the folder of the job.
        **keys: keys that replace those of the meta; a value of ``None`` takes the key out.

    Returns:
        The folder.
    """
    path = folder / "meta.json"
    content = json.loads(path.read_text()) | keys
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))
    return folder
