"""The rules of the wire: what keeps them, what breaks them, and what a transcript without a beginning still tells."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance import catalogue
from conformance.adapters.base import ClientError
from conformance.adapters.inprocess import InProcessAdapter
from conformance.contract import Contract
from conformance.mutants import mutants
from conformance.mutants.base import MAY
from conformance.proof import why
from conformance.targets import MockTarget
from conformance.trial import Trial
from conformance.verdicts import Unsuitable, Violation
from conformance.wire import RULES, Traffic, irregularities
from conformance.wire import script as wire_script
from conformance.wire.script import Recording, recording
from flare_client import new_secure_session
from mock_server import MockServer
from mock_server.transcript import Direction, Entry, Kind
from tests.support import RawClient, read_all, wait_until


@contextlib.contextmanager
def trial_of(client: str, release: str) -> Iterator[Trial]:
    with (
        contextlib.closing(MockTarget(release)) as target,
        contextlib.closing(InProcessAdapter(client)) as adapter,
        contextlib.closing(Trial(adapter, target, seed=1)) as trial,
    ):
        yield trial


@pytest.fixture(scope="module", params=["2.3", "2.6", "2.9"])
def played(request: pytest.FixtureRequest) -> tuple[str, Recording]:
    """The script as the reference client plays it."""
    with trial_of("flare_client", request.param) as trial:
        return request.param, recording(trial)


def wire_contracts(release: str) -> list[Contract]:
    return catalogue.select(release, ("WIRE-*",))


def test_every_rule_is_a_contract_and_has_a_mutant() -> None:
    contracts = {contract.id for contract in wire_contracts("2.6") + wire_contracts("2.9")}
    contracts |= {contract.id for contract in wire_contracts("2.3")}
    assert contracts == set(RULES)
    assert set(RULES) <= {caught for mutant in mutants() for caught in mutant.caught_by}


def test_the_reference_client_keeps_every_rule_and_every_rule_has_something_to_judge(
    played: tuple[str, Recording],
) -> None:
    release, recorded = played
    assert recorded.problems == ()
    traffic = Traffic(recorded.entries, release)
    for rule in RULES.values():
        if release in rule.releases:
            judgements = list(rule.judge(traffic))
            assert judgements, rule.id
            assert [str(one) for one in judgements if not one.kept] == [], rule.id


def test_a_transcript_without_a_beginning_raises_no_false_alarm(played: tuple[str, Recording]) -> None:
    release, recorded = played
    entries = recorded.entries
    for start in range(1, len(entries), 7):
        assert list(map(str, irregularities(entries[start:], release))) == []
    for end in range(0, len(entries), 7):
        assert list(map(str, irregularities(entries[:end], release))) == []


def test_an_irregularity_names_rule_message_and_difference(played: tuple[str, Recording]) -> None:
    release, recorded = played
    broken = [_with_other_time(entry) for entry in recorded.entries]
    found = irregularities(broken, release)
    assert {one.rule for one in found} == {"WIRE-TIME-01"}
    assert [one.entry.number for one in found] == sorted(one.entry.number for one in found)
    assert "expected the time as YYYY-MM-DD HH:MM:SS.ffffff, but entry" in str(found[0])
    assert str(found[0]).endswith("has yesterday")
    assert irregularities(broken, release, [RULES["WIRE-ENV-01"]]) == []


def _with_other_time(entry: Entry) -> Entry:
    def changed(value: Any) -> Any:
        if isinstance(value, dict) and {"time", "data", "meta"} <= set(value):
            return {**value, "time": "yesterday"}
        return {name: changed(one) for name, one in value.items()} if isinstance(value, dict) else value

    return dataclasses.replace(entry, detail=changed(entry.detail)) if entry.direction is Direction.IN else entry


@pytest.mark.parametrize(
    ("mutant", "contract", "observed"),
    [
        ("sums_wrong", "WIRE-SUBMIT-04", "of the body, but got"),
        ("lists_without_a_token", "WIRE-TOKEN-02", "None in entry"),
        ("counts_in_twos", "WIRE-SEQ-01", "sequence"),
        ("leaves_without_goodbye", "WIRE-BYE-01", "sm__DATA"),
        ("never_acknowledges", "WIRE-ACK-03", "[]"),
    ],
)
def test_a_twist_breaks_its_rule_and_no_other(mutant: str, contract: str, observed: str) -> None:
    declared = next(one for one in mutants() if one.name == mutant)
    broken = {}
    with trial_of(f"conformance.mutants:{mutant}", declared.release) as trial:
        for one in wire_contracts(declared.release):
            try:
                one.check(trial)
            except Violation as problem:
                broken[one.id] = problem
            except Unsuitable:
                continue
    must = {contract for contract, reason in declared.also.items() if not reason.startswith(MAY)}
    assert {*declared.caught_by, *must} <= set(broken)
    assert [one for one in broken if why(declared, one) is None] == []
    assert observed in f"{broken[contract].expected} {broken[contract].observed}"
    assert broken[contract].script == wire_script.SCRIPT


def test_a_client_that_cannot_log_in_fails_every_contract_once() -> None:
    class Refused:
        name, features = "refused", frozenset[str]()
        opened = 0

        def open(self, *_: Any, **__: Any) -> Any:
            self.opened += 1
            raise ClientError(("NoConnection",), "no")

        def close(self) -> None:
            """Nothing was opened."""

    adapter: Any = Refused()
    with (
        contextlib.closing(MockTarget("2.6")) as target,
        contextlib.closing(Trial(adapter, target, seed=1)) as trial,
    ):
        for contract in wire_contracts("2.6")[:3]:
            with pytest.raises(ClientError, match="NoConnection"):
                contract.check(trial)
    assert adapter.opened == 1


def test_a_rule_without_a_message_to_judge_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    submit = catalogue.find("WIRE-SUBMIT-04")
    with trial_of("flare_client", "2.6") as trial:
        monkeypatch.setitem(wire_script._recordings, trial, Recording((), ("submit_job raised InternalError",)))
        with pytest.raises(Unsuitable, match="submit_job raised InternalError"):
            submit.check(trial)
        monkeypatch.setitem(wire_script._recordings, trial, Recording((), ()))
        with pytest.raises(Violation, match="none in the whole script"):
            submit.check(trial)


def half_a_request(server: MockServer, raw: RawClient) -> None:
    """Hang up in the middle of a request, and wait until the server has noticed."""
    with raw.connect() as connection:
        connection.sendall(b'{"data": [')
        connection.shutdown(socket.SHUT_WR)
        read_all(connection)
    wait_until(lambda: server.transcript.entries()[-1].detail.get("event") == "closed")


def test_a_raw_client_breaks_what_it_breaks() -> None:
    with MockServer("2.6") as server:
        raw = RawClient(server, server.kit())
        raw.send(b'{"data": [{"type": "command", "data": "list_jobs"}]}\x04more')
        half_a_request(server, raw)
    found = {one.rule for one in irregularities(server.transcript.entries(), "2.6")}
    assert {"WIRE-ENV-01", "WIRE-TIME-01", "WIRE-TOKEN-02", "WIRE-END-01", "WIRE-ONE-01", "WIRE-READ-01"} <= found
    assert "WIRE-LOGIN-01" not in found


def test_where_a_fault_struck_the_client_is_excused() -> None:
    with MockServer("2.6") as server:
        raw = RawClient(server, server.kit())
        half_a_request(server, raw)
    entries = server.transcript.entries()
    fault = dataclasses.replace(entries[-1], kind=Kind.FAULT, detail={"what": "reset"})
    assert "WIRE-WAIT-01" in {one.rule for one in irregularities(entries, "2.6")}
    assert "WIRE-WAIT-01" not in {one.rule for one in irregularities([*entries, fault], "2.6")}


@pytest.mark.parametrize("release", ["2.6", "2.9"])
def test_a_target_hears_what_its_servers_heard(release: str) -> None:
    with contextlib.closing(MockTarget(release)) as target:
        new_secure_session(target.user, str(target.kit())).close()
        [shared] = target.heard()
        assert "_cert_login" in str(shared)
        with target.own_server() as server:
            new_secure_session(target.user, str(server.kit())).close()
        again, own = target.heard()
        assert irregularities(own, release) == []
        assert "_logout" in str(own)
        assert all(entry.number > shared[-1].number for entry in again)
        assert target.heard()[1:] == []


def test_a_transcript_from_a_file_is_as_good(tmp_path: Path) -> None:
    with MockServer("2.9") as server:
        new_secure_session("admin@nvidia.com", str(server.kit())).close()
    server.transcript.write_jsonl(tmp_path / "t.jsonl")
    lines = (tmp_path / "t.jsonl").read_text(encoding="utf-8").splitlines()
    entries = [Entry.from_json(json.loads(line)) for line in lines]
    assert len(Traffic(entries, "2.9").commands) == 3
    assert irregularities(entries, "2.9") == []
