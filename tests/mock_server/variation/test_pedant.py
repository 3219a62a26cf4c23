"""What is drawn when, and that a seed draws it again."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from flare_client.protocol.releases import profile_for
from mock_server.faults.course import Course, Moment, Point
from mock_server.transcript.facts import Fact, Trace, Varied
from mock_server.variation import VARIATIONS, Pedant, Pedantry
from mock_server.variation.pedantry import read_pedantry
from mock_server.variation.wire import MOST_PIECES, MOST_SECONDS

TEXT = '{"time": "", "data": [{"type": "success", "data": ""}], "meta": {"status": "ok", "info": "", "job_id": "1"}}'


class Heard:
    """An observer that keeps what it is told of variations."""

    def __init__(self) -> None:
        self.varied: list[Varied] = []

    def connection(self) -> int:
        return 1

    def note(self, _connection: Trace, fact: Fact) -> None:
        assert isinstance(fact, Varied)
        self.varied.append(fact)


def pedant(seed: int = 1, release: str = "2.6", **settings: Any) -> Pedant:
    return Pedant(Pedantry(seed, **settings), profile_for(release))


def drawn(one: Pedant, *commands: str) -> list[Any]:
    """What becomes of commands: how long they take, in how many pieces, in which words, and what is told of it."""
    heard, found = Heard(), []
    for command in commands:
        course = one.course(Moment(Point.COMMAND, command), Trace(heard)) or Course()
        found.append((course.answer.delay, course.form.pieces, course.form.text(TEXT)))
    return [*found, heard.varied]


COMMANDS = ("list_jobs", "submit_job", "list_jobs", "get_job_meta") * 3


def test_a_seed_draws_the_same_again_and_another_one_something_else() -> None:
    assert drawn(pedant(3), *COMMANDS) == drawn(pedant(3), *COMMANDS)
    assert drawn(pedant(3), *COMMANDS) != drawn(pedant(4), *COMMANDS)


def test_the_order_of_commands_changes_nothing_in_what_becomes_of_each() -> None:
    mixed = drawn(pedant(3), "list_jobs", "submit_job", "list_jobs")[:-1]
    apart = drawn(pedant(3), "submit_job", "list_jobs", "list_jobs")[:-1]
    assert [mixed[0], mixed[2], mixed[1]] == [apart[1], apart[2], apart[0]]


def test_leaving_one_out_changes_nothing_in_the_others() -> None:
    every, heard = pedant(3, only=("delays", "pieces")), pedant(3, only=("pieces",))
    assert [one[1] for one in drawn(every, *COMMANDS)[:-1]] == [one[1] for one in drawn(heard, *COMMANDS)[:-1]]


def test_only_and_without_name_what_strikes() -> None:
    *_, told = drawn(pedant(only=("escapes", "member-order"), share=1.0), *COMMANDS)
    assert {one.names for one in told} == {("member-order", "escapes")}
    *_, told = drawn(pedant(without=("delays",), share=1.0), *COMMANDS)
    assert "delays" not in {name for one in told for name in one.names}


def test_a_share_of_nothing_strikes_never() -> None:
    *_, told = drawn(pedant(share=0.0), *COMMANDS)
    assert told == []


def test_an_answer_without_an_envelope_has_nothing_to_vary() -> None:
    course = pedant(share=1.0).course(Moment(Point.COMMAND, "list_jobs"), Trace(Heard()))
    assert course is not None
    assert course.form.text("") == ""


def test_connections_are_not_varied() -> None:
    assert pedant(share=1.0).course(Moment(Point.CONNECT), Trace(Heard())) is None


def test_what_leaves_stays_within_what_every_client_takes() -> None:
    one = pedant(share=1.0)
    found = drawn(one, *["list_jobs"] * 200)[:-1]
    assert max(delay for delay, _, _ in found) <= MOST_SECONDS
    assert {pieces for _, pieces, _ in found} == set(range(2, MOST_PIECES + 1))


@pytest.mark.parametrize("release", ["2.3", "2.9"])
def test_ids_of_jobs_are_what_servers_ask_for_and_never_the_same(release: str) -> None:
    make = pedant(1, release, share=1.0).job_ids(lambda: str(uuid.uuid4()))
    ids = [make() for _ in range(500)]
    assert {uuid.UUID(one).version for one in ids} == {4}
    assert [str(uuid.UUID(one)) for one in ids] == ids
    assert len(set(ids)) == 500


def test_ids_that_are_not_varied_are_the_usual_ones() -> None:
    usual = iter(["a", "b"])
    one = pedant(without=("job-ids",))
    make = one.job_ids(lambda: next(usual))
    assert [make(), make()] == ["a", "b"]
    assert pedant(release="2.9").session_tokens(make) is make  # from 2.7 on tokens are signed texts


def test_begun_anew_it_draws_as_one_that_was_just_made() -> None:
    one = pedant(3)
    drawn(one, *COMMANDS)
    one.begin_anew(8)
    assert drawn(one, *COMMANDS) == drawn(pedant(8), *COMMANDS)


@pytest.mark.parametrize("release", ["2.3", "2.4", "2.6", "2.7", "2.9"])
def test_a_release_has_what_its_wire_and_its_clients_know(release: str) -> None:
    names = {one.name for one in Pedantry(1).variations(profile_for(release))}
    assert ("early-lines" in names) == (release < "2.7")
    assert ("no-status" in names) == (release != "2.3")
    assert ("transfer-ids" in names) == (release != "2.3")


def test_what_is_asked_for_is_read() -> None:
    assert read_pedantry(None) is None
    assert read_pedantry(False) is None
    assert read_pedantry(7) == Pedantry(7)
    assert read_pedantry(Pedantry(2, share=0.5)) == Pedantry(2, share=0.5)
    first, second = read_pedantry(True), read_pedantry(True)
    assert first != second


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Pedantry(1, only=("member_order",)), r"but got 'member_order' \(did you mean 'member-order'\?\)"),
        (lambda: Pedantry(1, without=("nothing like it",)), "expected a variation of member-order, "),
        (lambda: Pedantry(1, share=1.5), "expected a share from 0 to 1, but got 1.5"),
        (lambda: read_pedantry("7"), "expected pedantic to be True, a seed, or a Pedantry, but got '7'"),
    ],
)
def test_what_is_none_is_refused(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def test_every_variation_says_why_and_where_that_is_seen() -> None:
    for name, one in VARIATIONS.items():
        assert one.name == name
        assert all(text.strip() for text in (one.varies, one.legal, one.source))
        assert 0 < one.share <= 1
