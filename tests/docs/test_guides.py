"""The guides and the Action say what is so: their commands run, their options exist, their contract can be declared.

Blocks without a language are run as they stand; those of ``sh`` cost too much and are held to the options that exist.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from conformance import catalogue
from conformance.adapters.inprocess import FLARE_CLIENT, InProcessAdapter
from conformance.baseline import Baseline, read
from conformance.cli import main
from conformance.contract import CATALOGUE
from conformance.results import Verdict
from conformance.runner import run as run_here
from conformance.targets import MockTarget

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs" / "guides"
ACTION = ROOT / ".github" / "actions" / "conformance" / "action.yml"
NAMES = ("recording", "running", "testing-a-client", "testing-a-server", "writing-a-contract")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?!http)([^)#]+)")


def blocks(name: str, language: str) -> list[str]:
    return [text for found, text in _BLOCK.findall((GUIDES / f"{name}.md").read_text()) if found == language]


def commands(language: str) -> Iterator[tuple[str, list[str]]]:
    for name in NAMES:
        for block in blocks(name, language):
            for line in block.splitlines():
                if line.startswith("flare-conformance "):
                    yield name, shlex.split(line)[1:]


RUN = list(commands(""))


@pytest.mark.parametrize(("name", "words"), RUN, ids=[" ".join(words) for _, words in RUN])
@pytest.mark.timeout(300)
def test_a_command_of_a_guide_runs(name: str, words: list[str], tmp_path: Path) -> None:
    if name == "testing-a-client":
        (tmp_path / "my_client.py").write_text(blocks(name, "python")[0])
    words = [*words, "--seed", "1"] if words[0] == "run" and "--seed" not in words else words
    done = subprocess.run(
        [sys.executable, "-m", "conformance.cli", *words],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr


@pytest.mark.parametrize("words", [words for _, words in commands("sh")], ids=" ".join)
def test_a_command_that_is_not_run_here_has_options_that_exist(words: list[str]) -> None:
    command = main.commands[words[0]]
    with click.Context(command) as context:
        command.parse_args(context, words[1:])


def test_there_are_commands_of_both_kinds() -> None:
    assert len(RUN) > 5
    assert len(list(commands("sh"))) > 4


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    for target in _LINK.findall((GUIDES / f"{name}.md").read_text()):
        assert (GUIDES / target).resolve().exists(), target


def test_the_baseline_of_the_guide_is_one(tmp_path: Path) -> None:
    (text,) = [block for block in blocks("running", "yaml") if block.startswith("known_failures")]
    path = tmp_path / "known.yaml"
    path.write_text(text)
    assert isinstance(read(path, catalogue.catalogue()), Baseline)


def test_the_contract_of_the_guide_holds_for_the_reference_client() -> None:
    text = blocks("writing-a-contract", "python")[0].replace("LIST-LIMIT-01", "LIST-LIMIT-99")
    try:
        exec(compile(text, "guide", "exec"), {"__name__": "guide"})  # noqa: S102 - our own page
        declared = CATALOGUE["LIST-LIMIT-99"]
        target = MockTarget("2.9")
        try:
            (result,) = run_here([declared], InProcessAdapter(FLARE_CLIENT), target, seed=1)
        finally:
            target.close()
    finally:
        CATALOGUE.pop("LIST-LIMIT-99", None)
    assert result.verdict is Verdict.PASSED, result.message
    assert declared.sources


def test_the_other_blocks_of_python_are_python() -> None:
    for name in NAMES:
        for block in blocks(name, "python"):
            compile(block, name, "exec")


def test_the_snippets_for_ci_name_inputs_and_options_that_exist() -> None:
    action = yaml.safe_load(ACTION.read_text())
    github, other = (yaml.safe_load(block) for block in blocks("running", "yaml") if "known_failures" not in block[:20])
    (step,) = [one for one in github["jobs"]["conformance"]["steps"] if "flare-conformance/" in one.get("uses", "")]
    assert set(step["with"]) <= set(action["inputs"])
    assert step["uses"].split("@")[0].endswith("/flare-conformance/.github/actions/conformance")
    words = shlex.split(other["conformance"]["script"][1])
    command = main.commands[words[1]]
    with click.Context(command) as context:
        command.parse_args(context, words[2:])


@pytest.mark.timeout(300)
def test_the_action_runs_as_github_runs_it(tmp_path: Path) -> None:
    action = yaml.safe_load(ACTION.read_text())
    (step,) = [one for one in action["runs"]["steps"] if one["name"] == "Check the client"]
    given = {"client": "flare_client", "profile": "quick", "arguments": "--select ID-CASE-01 --workers 1", "seed": "3"}
    inputs = {name: given.get(name, str(one["default"])) for name, one in action["inputs"].items()}
    environment = {name: inputs[re.findall(r"inputs\.([\w-]+)", text)[0]] for name, text in step["env"].items()}
    assert set(environment) == set(re.findall(r"\$\{?([A-Z_]{3,})", step["run"]))
    done = subprocess.run(
        ["bash", "-e", "-c", step["run"]],
        cwd=tmp_path,
        env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "conformance-reports" / "junit.xml").is_file()
    assert set(inputs) == {*(name.lower().replace("_", "-") for name in environment), "install"}
