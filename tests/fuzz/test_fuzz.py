"""The fuzz targets without a fuzzer: corpus, seeds and some hundred changes of seeds, the same in every run."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import pytest
from click.testing import CliRunner

from flare_client.protocol import archive, envelope, kit
from flare_client.protocol.cellnet import client, download, fobs, packing, server, stream_receiver, upload
from flare_client.protocol.cellnet.proof import Verifier
from flare_client.protocol.cellnet.stream_sender import StreamSender
from flare_client.protocol.cellnet.websocket_messages import WholeMessages
from flare_client.protocol.hci import chunks, exchange, text
from flare_client.protocol.signing import FolderVerifier
from tests.fuzz import cell_targets, run
from tests.fuzz.__main__ import main
from tests.fuzz.mutation import mutations
from tests.fuzz.target import CORPUS, Target, try_one
from tests.fuzz.targets import TARGETS

MUTATIONS = 400
pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")


def deterministic(target: Target) -> None:
    """What every run of the tests gives to a target."""
    seeds = list(target.seeds())
    for path in target.corpus():
        try_one(target, path.read_bytes())
    for data in (*seeds, *mutations(seeds, MUTATIONS)):
        try_one(target, data)


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_the_laws_hold(target: Target) -> None:
    deterministic(target)


def test_every_folder_of_the_corpus_belongs_to_a_target() -> None:
    assert {path.name for path in CORPUS.iterdir() if path.is_dir()} <= set(TARGETS)


def test_seeds_and_mutations_are_the_same_in_every_run() -> None:
    seeds = list(TARGETS["packing"].seeds())
    assert seeds == list(TARGETS["packing"].seeds())
    assert list(mutations(seeds, 50)) == list(mutations(seeds, 50))
    assert list(mutations(seeds, 50)) != list(mutations(seeds, 50, seed=2))


# --- codecs that are broken, one a line -----------------------------------------------------------------------------


def _never(*_: Any, **__: Any) -> None:
    """In the place of a check that raises."""


_begin = WholeMessages._begin


def _begin_and_forget(messages: WholeMessages) -> None:
    """In the place of the one that knows that a message in parts has begun."""
    _begin(messages)
    messages._is_fragmented = False


def _changed(owner: Any, attribute: str, change: Callable[[Any], Any]) -> tuple[Any, str, Any]:
    original = getattr(owner, attribute)
    return owner, attribute, lambda *args, **kwargs: change(original(*args, **kwargs))


_safe_path = archive.safe_relative_path


def _any_path(name: str) -> PurePosixPath:
    return PurePosixPath(name) if ".." in name else _safe_path(name)


Break = tuple[Any, str, Any]
BROKEN: dict[str, tuple[Break, str]] = {
    "envelope": ((envelope, "_STRING", re.compile(r'"(?:[^"\\]|\\.)*"')), "the cost of an input follows its size"),
    "hci_text": ((text.TextReader, "text", lambda reader: reader._held.decode()), "codec can't decode"),
    "hci_exchange": (_changed(exchange.ExchangeReader, "feed", list), "how a stream is cut"),
    "hci_server": (_changed(exchange.ExchangeReader, "feed", list), "how a stream is cut"),
    "hci_chunks": (_changed(chunks.ChunkReader, "feed", lambda events: events[::-1]), "how a stream is cut"),
    "kit": ((kit, "_heartbeat", lambda args: float(args.get("heartbeat_interval", 0))), "too large to convert"),
    "archive_rules": ((archive, "safe_relative_path", _any_path), "below the target"),
    "signature": ((FolderVerifier, "check_issuer", _never), "only the CA vouches"),
    "packing": ((packing, "_check", _never), "only plain types are read"),
    "frame": (_changed(cell_targets, "decode_grpc_frame", lambda frame: frame[:-1]), "gRPC brings what was sent"),
    "websocket": ((WholeMessages, "_begin", _begin_and_forget), "by the library alone"),
    "fobs": ((fobs._Reader, "_fl_context", staticmethod(lambda _: frozenset())), "only accepted types"),
    "auth": ((Verifier, "verify", _never), "a token is the server's"),
    "token": ((Verifier, "verify", _never), "Invalid control character"),
    "stream_receiver": (
        _changed(stream_receiver, "_received", lambda found: dataclasses.replace(found, payload=found.payload[::-1])),
        "a payload is its pieces in their order",
    ),
    "stream_sender": (
        _changed(StreamSender, "_pieces", lambda pieces: pieces[::-1]),
        "pieces follow each other",
    ),
    "upload": (
        (upload.UploadReader, "_note", lambda reader, tx_id, *rest: reader._open.update({tx_id: rest[:3]})),
        "an upload begins",
    ),
    "download": ((download.FileDownload, "request", lambda _: {"ref_id": "ref"}), "a client asks for what it lacks"),
    "server_peer": ((server, "_TOKEN", re.compile(".*")), "only who has a certificate"),
    "client_peer": (
        (client.ClientPeer, "_failed", lambda _, stream: client.RequestFailed(stream.request_id, stream.reason)),
        "a request has one answer",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_codec_is_found(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Some of these are what the fuzzers found first."""
    list(TARGETS[name].seeds())
    (owner, attribute, broken), law = BROKEN[name]
    monkeypatch.setattr(owner, attribute, broken)
    with pytest.raises(Exception, match=law):
        deterministic(TARGETS[name])


# --- the command line -----------------------------------------------------------------------------------------------


def test_the_command_line_lists_replays_and_says_what_it_does_not_know(tmp_path: Any) -> None:
    invoke = CliRunner().invoke
    listed = invoke(main, [])
    assert listed.exit_code == 0
    assert all(name in listed.output for name in TARGETS)
    file = tmp_path / "input"
    file.write_bytes(b"anything")
    replayed = invoke(main, ["fobs", str(file)])
    assert (replayed.exit_code, "1 inputs, 0 findings" in replayed.output) == (0, True)
    for unknown in (invoke(main, ["nothing"]), invoke(run.main, ["--target", "nothing"])):
        assert unknown.exit_code == 2
        assert "'nothing' is not one of" in unknown.output
    assert "Example: python -m tests.fuzz" in invoke(main, ["--help"]).output
    assert "Example: python -m tests.fuzz.run" in invoke(run.main, ["--help"]).output


def test_a_finding_is_shown_and_ends_with_code_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(packing, "_check", _never)
    file = tmp_path / "input"
    file.write_bytes(b"\x91" * 100 + b"\xc0")
    found = CliRunner().invoke(main, ["packing", str(file)])
    assert found.exit_code == 1
    assert "nesting is bounded" in found.output
