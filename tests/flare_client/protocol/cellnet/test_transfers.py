"""Uploads, downloads and logins over CellNet: both ends against each other, and against ends that break the rules."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client.protocol.cellnet import commands, download, upload
from flare_client.protocol.cellnet.fobs import Shareable, decode, encode
from flare_client.protocol.cellnet.proof import NotProven, Signer
from flare_client.protocol.envelope import request
from flare_client.protocol.errors import LimitExceeded, RemoteProtocolError
from flare_client.protocol.limits import DEFAULT_LIMITS
from mock_server.pki import Pki

USER = "admin@nvidia.com"


def over_the_wire(content: Any) -> Any:
    return decode(encode(content))


# --- upload -----------------------------------------------------------------------------------------------------------


def sender(size: int, prefix: str = upload.UploadPrefix.FROM_28) -> upload.UploadSender:
    return upload.UploadSender(USER, '{"data": []}', size, prefix)


@pytest.mark.parametrize("prefix", [upload.UploadPrefix.R27, upload.UploadPrefix.FROM_28])
@given(st.lists(st.binary(min_size=1, max_size=50), max_size=6))
def test_an_upload_arrives_as_it_was(prefix: str, blocks: list[bytes]) -> None:
    content = b"".join(blocks)
    sending, reader, found = sender(len(content), prefix), upload.UploadReader(), []
    for block in blocks or [b""]:
        assert not sending.complete
        found.append(reader.read(over_the_wire(sending.piece(block))))
    assert sending.complete
    assert b"".join(piece.data for piece in found) == content
    assert [piece.is_first for piece in found] == [True] + [False] * (len(found) - 1)
    assert [piece.is_last for piece in found] == [False] * (len(found) - 1) + [True]
    assert (found[0].command, found[0].size) == ('{"data": []}', len(content))
    with pytest.raises(RemoteProtocolError, match="has begun"):
        reader.read(Shareable({f"{prefix}eof": True}, {**sending.piece(b"").headers}))


def test_the_answers_of_the_pieces() -> None:
    assert upload.read_answer(over_the_wire(upload.answer())) is None
    assert upload.read_answer(over_the_wire(upload.answer("{}"))) == "{}"
    for bad in (upload.refusal("BAD_REQUEST_DATA"), Shareable({}), {}, None):
        with pytest.raises(RemoteProtocolError, match="expected the piece of the upload to be taken"):
            upload.read_answer(bad)


def test_the_end_of_the_transaction_names_it() -> None:
    sending = sender(0)
    first = sending.piece(b"")
    done = sending.done()
    assert done.headers["ObjectStreamer.TX_ID"] == first.headers["ObjectStreamer.TX_ID"]
    assert done.headers["__rc__"] == "TASK_ABORTED"


def changed(piece: Shareable, headers: dict[str, Any], items: dict[str, Any]) -> Shareable:
    return Shareable({**piece.items, **items}, {**piece.headers, **headers})


@pytest.mark.parametrize(
    ("headers", "items"),
    [
        ({"__peer_props__": {}}, {}),
        ({"__peer_props__": None}, {}),
        ({"ObjectStreamer.TX_ID": 5}, {}),
        ({"ObjectStreamer.SEQ": "0"}, {}),
        ({"ObjectStreamer.SEQ": 3}, {}),
        ({"ObjectStreamer.CTX": None}, {}),
        ({"ObjectStreamer.CTX": {"conn_data": "{}", "FileStreamer.file_size": -1}}, {}),
        ({"ObjectStreamer.CTX": {"conn_data": "{}", "FileStreamer.file_size": 1}}, {}),
        ({}, {"Streamer.data": "text"}),
        ({}, {"Streamer.eof": True}),
    ],
)
def test_a_first_piece_that_is_malformed_is_refused_and_nothing_is_kept(
    headers: dict[str, Any], items: dict[str, Any]
) -> None:
    reader = upload.UploadReader()
    with pytest.raises(RemoteProtocolError):
        reader.read(changed(sender(10).piece(b"12345"), headers, items))
    with pytest.raises(RemoteProtocolError):
        reader.read("no piece")


def test_pieces_out_of_order_and_too_many_bytes_are_refused() -> None:
    sending, reader = sender(4), upload.UploadReader()
    first, second = sending.piece(b"12"), sending.piece(b"34")
    reader.read(first)
    with pytest.raises(RemoteProtocolError, match="a new upload"):
        reader.read(first)
    with pytest.raises(RemoteProtocolError, match="piece 1 of the upload, but got 2"):
        reader.read(changed(second, {"ObjectStreamer.SEQ": 2}, {}))
    with pytest.raises(RemoteProtocolError, match="4 bytes, but got 5"):
        reader.read(changed(second, {}, {"Streamer.data": b"345"}))
    with pytest.raises(RemoteProtocolError, match="has begun"):
        reader.read(second)


def test_uploads_are_bounded_in_size_and_number() -> None:
    reader = upload.UploadReader(dataclasses.replace(DEFAULT_LIMITS, body=10, streams=1))
    with pytest.raises(LimitExceeded, match="body is 10 bytes"):
        reader.read(sender(11).piece(b"1"))
    first = reader.read(sender(5).piece(b"1"))
    with pytest.raises(RemoteProtocolError, match="at most 1"):
        reader.read(sender(5).piece(b"1"))
    reader.drop(first.tx_id)
    reader.read(sender(5).piece(b"1"))


# --- download ---------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=60), st.integers(1, 20), st.booleans())
def test_a_download_arrives_as_it_was(content: bytes, size: int, confirms: bool) -> None:
    fetching, found = download.FileDownload("R1", confirms=confirms), b""
    while not fetching.complete:
        wanted = download.read_request(over_the_wire(fetching.request()))
        assert isinstance(wanted, download.PieceWanted)
        assert (wanted.ref_id, wanted.offset, wanted.confirms) == ("R1", len(found), confirms)
        block = content[wanted.offset : wanted.offset + size]
        answer = download.piece(block, wanted.offset, cancel_capable=True) if block else download.end("abc")
        found += fetching.take(over_the_wire(answer))
    assert found == content
    confirmation = fetching.confirmation(success=True)
    assert download.read_request(over_the_wire(confirmation)) == download.Confirmed("R1", "abc", success=True)


def test_nothing_is_confirmed_where_the_server_does_not_ask() -> None:
    fetching = download.FileDownload("R1", confirms=True)
    assert fetching.confirmation(success=True) is None
    assert fetching.take(download.end(None)) == b""
    assert fetching.confirmation(success=True) is None


@pytest.mark.parametrize(
    "answer",
    [
        download.failure(),
        {},
        None,
        {"status": "ok"},
        {"status": "ok", "data": b"", "state": {"received_bytes": 0}},
        {"status": "ok", "data": "text", "state": {"received_bytes": 4}},
        {"status": "ok", "data": b"1", "state": {"received_bytes": 2}},
        {"status": "ok", "data": b"1"},
    ],
)
def test_an_answer_that_does_not_go_on_where_the_file_is_is_refused(answer: Any) -> None:
    fetching = download.FileDownload("R1", confirms=False)
    with pytest.raises(RemoteProtocolError, match="expected"):
        fetching.take(answer)
    assert fetching.request() == {"ref_id": "R1"}


@pytest.mark.parametrize(
    "content",
    [
        None,
        {},
        {"ref_id": ""},
        {"ref_id": "R1", "state": {"received_bytes": -1}},
        {"ref_id": "R1", "state": {"received_bytes": True}},
        {"ref_id": "R1", "confirm": "maybe", "confirm_nonce": "n"},
        {"ref_id": "R1", "confirm": "success"},
    ],
)
def test_a_request_that_is_malformed_is_refused(content: Any) -> None:
    with pytest.raises(RemoteProtocolError):
        download.read_request(content)


def test_a_download_can_be_cancelled() -> None:
    found = download.read_request({"ref_id": "R1", "cancel": True})
    assert found == download.Confirmed("R1", "", success=False)


# --- login ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pki() -> Iterator[Pki]:
    made = Pki("example_project", None)
    yield made
    made.close()


@pytest.mark.parametrize("study", [None, "default", "other"])
def test_a_login_is_proven(pki: Pki, study: str | None) -> None:
    user = pki.issue_user(USER)
    headers = commands.login_headers(USER, Signer(user.key_pem), user.certificate_pem, study)
    verifier, asked = commands.check_login(headers, pki.ca_pem)
    assert (verifier.common_name, asked) == (USER, study or "default")


@pytest.mark.parametrize(
    "change",
    [{"user_name": "lead@nvidia.com"}, {"signature": b"x"}, {"cert": None}, {"cert": "no PEM"}, {"signature": None}],
)
def test_a_login_that_does_not_agree_with_itself_is_refused(pki: Pki, change: dict[str, Any]) -> None:
    user = pki.issue_user(USER)
    headers = commands.login_headers(USER, Signer(user.key_pem), user.certificate_pem, None)
    with pytest.raises(NotProven):
        commands.check_login({**headers, **change}, pki.ca_pem)


def test_a_command_is_an_envelope_as_text() -> None:
    envelope = request("list_jobs", "token", {"cmd_timeout": 3}, "2026-11-23 12:44:48.463278")
    assert commands.read_command(over_the_wire(commands.encode_command(envelope))) == envelope
    for bad in (b"bytes", None, "no json", '{"data": 1}'):
        with pytest.raises(RemoteProtocolError):
            commands.read_command(bad)
