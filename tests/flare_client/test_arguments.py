"""What arguments must look like before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client import arguments


@pytest.mark.parametrize("target", ["server", "site-1", "a.b_C-9"])
def test_names_of_machines_pass(target: str) -> None:
    arguments.check_target(target)
    assert arguments.checked_sites([target, target]) == [target, target]


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("", "target is required"),
        (None, "target is required"),
        (5, "target must be str but got <class 'int'>"),
        ("site 1", "letters, digits, dots"),
        ("site;rm", "letters, digits, dots"),
        ("site-1\n", "letters, digits, dots"),
        ("é", "letters, digits, dots"),
    ],
)
def test_what_is_no_name_of_a_machine_is_refused(target: Any, problem: str) -> None:
    with pytest.raises(SyntaxError, match=problem):
        arguments.check_target(target)


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ("site-1", "targets must be a list but got <class 'str'>"),
        (("site-1",), "targets must be a list but got <class 'tuple'>"),
        (["site-1", 5], "every target must be str, but got 5"),
        (["site-1", "two words"], "invalid target two words"),
        (["site-1", ""], "invalid target : target is required"),
    ],
)
def test_what_is_no_list_of_sites_is_refused(names: Any, problem: str) -> None:
    with pytest.raises(SyntaxError, match=problem):
        arguments.checked_sites(names)


def test_only_the_type_client_takes_sites() -> None:
    assert arguments.sites_of("client", ["site-1"]) == ["site-1"]
    assert arguments.sites_of("client", None) == []
    assert arguments.sites_of("server", ["site-1"]) == []
    assert arguments.sites_of("all", ["no name!"]) == []  # not even looked at, as official


@pytest.mark.parametrize("kind", ["", None, "Server", "site-1", 3])
def test_what_is_no_type_of_target_is_refused(kind: Any) -> None:
    with pytest.raises(ValueError, match=r"^invalid target_type .*: must be one of all, server, client$"):
        arguments.check_target_type(kind)


@pytest.mark.parametrize("file", ["log.txt", "run/log.json", "a.log", "x.csv", "x.sh", "x.config", "x.py", "log.txt.1"])
def test_text_files_pass(file: str) -> None:
    arguments.check_text_file(file)


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        (5, "path must be str"),
        ("/etc/passwd.txt", "absolute path is not allowed"),
        ("a/../../b.txt", ".. in path name is not allowed"),
        ("a b.txt", "unsupported characters in path"),
        ("a;b.txt", "unsupported characters in path"),
        ("model.bin", "expected a file that ends in"),
        ("log", "expected a file that ends in"),
        ("model.bin.1", "expected a file that ends in"),
        ("log.1.txt.x", "expected a file that ends in"),
    ],
)
def test_other_files_are_refused(file: Any, problem: str) -> None:
    with pytest.raises(SyntaxError, match=problem):
        arguments.check_text_file(file)


@given(st.text(max_size=30))
def test_a_path_that_passes_stays_below_its_folder(path: str) -> None:
    try:
        arguments.check_path(path)
    except SyntaxError:
        return
    assert not path.startswith("/")
    assert ".." not in path.split("/")
    assert not set(path) & set(" \t\n\\\"'$;|&<>*?~")


@pytest.mark.parametrize("options", ["-n 10", "-l -a", "--color", "-c5"])
def test_options_pass(options: str) -> None:
    arguments.check_options(options)


@pytest.mark.parametrize("options", ["-n;ls", "$(ls)", "-n\t5", 5, "-e 'x'"])
def test_what_no_option_holds_is_refused(options: Any) -> None:
    with pytest.raises(SyntaxError, match="options must be"):
        arguments.check_options(options)
