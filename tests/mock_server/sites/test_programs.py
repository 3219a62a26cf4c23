"""The simulated programs against the real ones: the same files, the same options, the same output."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from flare_client.protocol.releases import PROFILES
from mock_server.sites.listing import list_files
from mock_server.sites.shell import ShellRequest, read_shell_command
from mock_server.sites.texts import python_pattern, show_text
from mock_server.sites.tree import File, Folder

RULES = PROFILES["2.9"].sites
MODIFIED = 1_700_000_000.0

_CAT = shutil.which("cat")


def _is_gnu() -> bool:
    if _CAT is None:
        return False
    return "GNU" in subprocess.run([_CAT, "--version"], capture_output=True, text=True, check=False).stdout


gnu = pytest.mark.skipif(not _is_gnu(), reason="compares with the GNU programs, which this machine has not")


def real(folder: Path, *words: str) -> str:
    """What the real program prints in a folder."""
    done = subprocess.run(
        words,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"LC_ALL": "C"},
        check=False,
    )
    return done.stdout.decode("utf-8")


def simulated(root: Folder, *words: str) -> str:
    """What the simulated one prints."""
    request = read_shell_command(words[0], words[1:], RULES)
    if request.name == "ls":
        return list_files(root, request.file, request.flags, time.time())
    return show_text(root, request)


def tree(folder: Path, texts: dict[str, str]) -> Folder:
    """The same files in a folder on disk and in a virtual one, each a minute younger than the one before."""
    root = Folder(MODIFIED)
    for number, (path, text) in enumerate(texts.items()):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode("utf-8"))
        os.utime(target, (MODIFIED + 60 * number,) * 2)
        root.put(path, File(text, MODIFIED + 60 * number))
    return root


TEXTS = {
    "b.txt": "one\ntwo\n\n\n\tthree\nfour",
    "a.log": "x" * 5000 + "\n",
    "empty.txt": "",
    "run/log.txt": "".join(f"line {number}\n" for number in range(30)),
    "run/deep/er.json": '{"a": [1, 2]}\n',
    ".hidden": "h\n",
}


@gnu
@pytest.mark.parametrize(
    "line",
    [
        "ls", "ls -a", "ls -S", "ls -R", "ls -aR", "ls run", "ls -R run", "ls run/",
        "ls none", "ls b.txt", "ls run/log.txt",
        "cat b.txt", "cat -n b.txt", "cat -b b.txt", "cat -s b.txt", "cat -nsT b.txt", "cat -b -n -s b.txt",
        "cat empty.txt",
        "tail -n 0 none.txt", "tail -c 0 none.txt", "head -n 1_0 none.txt",
        "cat none.txt", "head run/log.txt", "head -n 3 run/log.txt", "head -n -3 run/log.txt", "head -n 0 b.txt",
        "head -c 4 b.txt", "head -c -4 b.txt", "head -n 1 -c 5 b.txt", "head -c 5 -n 1 b.txt", "head -n 99 b.txt",
        "tail run/log.txt", "tail -n 3 run/log.txt", "tail -n +28 run/log.txt", "tail -n -2 run/log.txt",
        "tail -n 0 b.txt",
        "tail -c 7 b.txt", "tail -c +7 b.txt", "tail -n 99 b.txt", "head none.txt", "tail none.txt", "grep o b.txt",
        "grep -n o b.txt", "grep -nb o b.txt", "grep -i LINE run/log.txt", "grep x none.txt", "grep nothing b.txt",
        "grep ^f b.txt", "grep e$ b.txt", "head -n 1_0 b.txt", "tail -c 1_0 b.txt",
    ],
)  # fmt: skip
def test_programs_print_what_the_real_ones_do(tmp_path: Path, line: str) -> None:
    root = tree(tmp_path, TEXTS)
    assert simulated(root, *line.split()) == real(tmp_path, *line.split())


@gnu
@pytest.mark.parametrize("count", ["-n 2", "-n +2", "-n -2", "-n 2 ", "-c +3", "-c \t3", "-n2"])
@pytest.mark.parametrize("name", ["head", "tail"])
def test_an_option_and_its_value_in_one_word(tmp_path: Path, name: str, count: str) -> None:
    # From 2.9 on the official client quotes what its caller gives as options.
    root = tree(tmp_path, TEXTS)
    assert simulated(root, name, count, "run/log.txt") == real(tmp_path, name, count, "run/log.txt")


@gnu
@pytest.mark.parametrize("line", ["ls -t", "ls -l b.txt", "ls -lt run", "ls -tS", "ls -St", "ls -l run/deep/er.json"])
def test_times_and_long_listings(tmp_path: Path, line: str) -> None:
    root = tree(tmp_path, TEXTS)
    for path in (tmp_path, tmp_path / "run", tmp_path / "run" / "deep"):
        os.utime(path, (MODIFIED,) * 2)
    for folder in (root, root.find("run"), root.find("run/deep")):
        assert isinstance(folder, Folder)
        folder.modified = MODIFIED
    owner = re.compile(r" \S+ +\S+ ( *\d+ [A-Z])")

    def told(text: str) -> list[str]:
        # Owners are not simulated, and how many blocks a file takes is the disk's affair.
        return [owner.sub(r" \1", one) for one in text.splitlines() if not one.startswith("total ")]

    words = line.split()
    if line == "ls -lt run":
        (tmp_path / "run" / "deep").chmod(0o755)
    assert told(simulated(root, *words)) == told(real(tmp_path, *words))


@gnu
@settings(max_examples=60, deadline=None)
@given(
    pattern=st.text(st.sampled_from("ab.*^$[]-\\(){}|+?1"), min_size=1, max_size=7),
    lines=st.lists(st.text(st.sampled_from("ab.*^$[]-(){}|+?1"), max_size=6), max_size=6),
)
def test_basic_regular_expressions_find_what_grep_finds(
    tmp_path_factory: pytest.TempPathFactory, pattern: str, lines: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("grep")
    text = "".join(f"{line}\n" for line in lines)
    (folder / "a.txt").write_text(text, encoding="utf-8")
    expected = real(folder, "grep", "-e", pattern, "a.txt")
    # What is malformed, and what no standard defines, programs read differently. A dollar that is not the last stands
    # for itself; GNU grep 3.8 finds `$)` in `$)1`, and `$)1` not.
    odd = expected.startswith("grep:") or "\\" in pattern or re.search(r"\*\*|\[[^\]]*-|\$.", pattern)
    assume(not odd)
    root = Folder(0.0)
    root.put("a.txt", File(text, 0.0))
    assert show_text(root, ShellRequest("grep", pattern=pattern, file="a.txt")) == expected


@pytest.mark.parametrize(
    ("basic", "python"),
    [
        (r"a\(b\|c\)\{2\}", "a(b|c){2}"),
        ("a+b?", r"a\+b\?"),
        ("^*a", r"^\*a"),
        ("*a*", r"\*a*"),
        ("a^b$c$", r"a\^b\$c$"),
        ("[[:digit:]]x", "[0-9]x"),
        ("[]a]", r"[\]a]"),
        ("[^]a]", r"[^\]a]"),
        (r"a\.b", r"a\.b"),
    ],
)
def test_basic_expressions_in_the_words_of_python(basic: str, python: str) -> None:
    assert python_pattern(basic) == python


@pytest.mark.parametrize("pattern", ["[", "a[b", r"\(a"])
def test_a_malformed_expression_is_refused_by_grep(pattern: str) -> None:
    root = Folder(0.0)
    root.put("a.txt", File("a\n", 0.0))
    assert show_text(root, ShellRequest("grep", pattern=pattern, file="a.txt")) == "grep: Invalid regular expression\n"


def test_folders_are_no_texts() -> None:
    root = Folder(0.0)
    root.put("d.txt/x.txt", File("", 0.0))
    assert show_text(root, ShellRequest("cat", file="d.txt")) == "cat: d.txt: Is a directory\n"
    assert show_text(root, ShellRequest("grep", file="d.txt")) == "grep: d.txt: Is a directory\n"
