"""Scripts: what was called, without what differs from run to run."""

from __future__ import annotations

import threading
import uuid
from pathlib import Path
from typing import Any

import pytest

from conformance.script import Script, call_text


def test_ids_are_numbered_in_the_order_in_which_they_come() -> None:
    script, first, second = Script(), str(uuid.uuid4()), str(uuid.uuid4())
    script.note(call_text("s.submit_job", ("/tmp/x/job",), {}))
    script.note_result(first)
    script.note(call_text("s.clone_job", (first,), {}))
    script.note_result(second)
    script.note(call_text("s.list_jobs", (), {"id_prefix": second.upper()}))
    assert script.lines == (
        "<id 1> = s.submit_job('…/job')",
        "<id 2> = s.clone_job('<id 1>')",
        "s.list_jobs(id_prefix='<id 2>')",
    )


def test_waiting_stands_once_and_clones_stand_each() -> None:
    script = Script()
    assert [script.note("s.get_job_meta('x')") for _ in range(3)] == [1, 1, 1]
    for _ in range(2):
        script.note("s.clone_job('x')")
        script.note_result(str(uuid.uuid4()))
    assert script.lines == ("s.get_job_meta('x')", "<id 1> = s.clone_job('x')", "<id 2> = s.clone_job('x')")


def test_calls_at_the_same_time_have_no_order() -> None:
    found = []
    for order in ("ab", "ba"):
        script = Script()
        script.note("main")
        for letter in order:
            thread = threading.Thread(target=script.note, args=(letter,))
            thread.start()
            thread.join()
        found.append(script.lines)
    assert found[0] == found[1] == ("main", "at the same time: a", "at the same time: b")


def test_what_was_done_can_be_said_in_other_words() -> None:
    script = Script()
    script.note("a call")
    thread = threading.Thread(target=script.note, args=("another",))
    thread.start()
    thread.join()
    script.instead(["what was drawn"])
    script.note("after")
    assert script.lines == ("what was drawn", "after")


@pytest.mark.parametrize(
    ("path", "text"),
    [("../../x/kit", "…/kit"), ("/tmp/y/job/", "…/job/"), ("../kit/", "…/kit/"), ("a/b", "a/b"), ("..", "..")],
)
def test_folders_lose_the_path_to_them_however_it_is_written(path: str, text: str) -> None:
    script = Script()
    script.note(call_text("s.submit_job", (path,), {}))
    assert script.lines == (f"s.submit_job('{text}')",)


def test_the_shortest_script_has_the_last_example_alone() -> None:
    script = Script()
    script.note("before")
    for number in range(3):
        script.begin_example()
        script.note(f"example {number}")
    assert script.shortest == ("before", "example 2")
    assert len(script.lines) == 4


def test_what_is_tried_again_stands_once() -> None:
    script = Script()
    script.note("before")
    mark = script.mark
    script.note("tried")
    script.forget_from(mark)
    script.note("tried again")
    assert script.lines == ("before", "tried again")


@pytest.mark.parametrize(
    ("args", "kwargs", "text"),
    [
        ((None, 1.5, "x"), {"cb": print, "a": [True]}, "f(None, 1.5, 'x', cb=<callback>, a=[True])"),
        ((Path("/tmp/a/b"),), {"c": {"d": ("/e/f",)}}, "f('…/b', c={'d': ('…/f',)})"),
        (("no/path", "/a", "it's"), {}, "f('no/path', '…/a', \"it's\")"),
    ],
)
def test_a_call_is_written_as_in_python_without_the_paths(
    args: tuple[Any, ...], kwargs: dict[str, Any], text: str
) -> None:
    script = Script()
    script.note(call_text("f", args, kwargs))
    assert script.lines == (text,)
    assert script.raw == (call_text("f", args, kwargs),)
