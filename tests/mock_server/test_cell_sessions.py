"""Admin sessions of 2.7-2.9 over a real connection: logins, tokens, ends (observed: 2.7.3, 2.8.3, 2.9.0)."""

from __future__ import annotations

import datetime
import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flare_client.protocol.cellnet import upload
from flare_client.protocol.cellnet.fobs import Shareable
from flare_client.protocol.releases import PROFILES
from mock_server import ManualClock, MockServer
from mock_server.certificates import utc_now
from tests.mock_server.cell_client import CellClient
from tests.mock_server.desk import Desk
from tests.support import CELL_RELEASES, JobMaker, wait_until

FROM_28 = ("2.8", "2.9")
ERROR = {"status": "error", "info": "session_inactive"}


Serve = Callable[..., MockServer]


@pytest.fixture
def serve(workspace: Callable[[], Path]) -> Serve:
    """Make servers of a release over TCP."""

    def make(release: str, **options: Any) -> MockServer:
        return MockServer(release, scheme="tcp", workspace=workspace(), **options)

    return make


def inactive(text: str) -> list[dict[str, str]]:
    return [{"type": "error", "data": "session_inactive"}, {"type": "string", "data": text}]


@pytest.mark.parametrize(("release", "seconds"), [("2.6", 3600), ("2.7", 1800), ("2.9", 1800)])
def test_the_release_decides_how_long_a_session_may_idle(release: str, seconds: int) -> None:
    with MockServer(release) as server:
        assert server.call(lambda context: context.sessions.idle_timeout) == seconds
    with MockServer(release, scenario={"idle_timeout": "3600s"}) as server:
        assert server.call(lambda context: context.sessions.idle_timeout) == 3600


# --- how a session ends -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_the_cell_of_a_session_that_idled_is_told(serve: Serve, release: str) -> None:
    clock = ManualClock()
    with serve(release, clock=clock) as server, CellClient(server, server.kit()) as client:
        token = client.token()
        clock.advance(1799)
        assert client.ask("list_jobs", token)["meta"]["status"] == "ok"
        clock.advance(1801)
        pushed = client.wait_for_push()
        assert (pushed.channel, pushed.topic) == ("hci_channel", "SESSION_EXPIRED")
        end = " or cert expiry" if release == "2.9" else ""
        assert pushed.content == f"Your session is closed due to inactivity{end}."
        assert len(server.call(lambda context: list(context.sessions))) == 0


def test_29_ends_a_session_with_its_certificate(serve: Serve, tmp_path: Path) -> None:
    clock = ManualClock(time.time())
    with serve("2.9", clock=clock, scenario={"idle_timeout": "1d"}) as server:
        kit = server.kit(not_after=utc_now() + datetime.timedelta(hours=1), directory=tmp_path)
        with CellClient(server, kit) as client:
            token = client.token()
            clock.advance(3500)
            assert client.ask("list_jobs", token)["meta"]["status"] == "ok"
            clock.advance(200)
            assert client.wait_for_push().topic == "SESSION_EXPIRED"
            reply = client.ask("list_jobs", token)
            text = "user not authenticated or session timed out/expired after 86400 seconds of inactivity - logged out"
            assert reply["data"] == inactive(text)


@pytest.mark.parametrize("release", ["2.7", "2.8"])
def test_before_29_the_end_of_a_certificate_ends_no_session(serve: Serve, release: str, tmp_path: Path) -> None:
    clock = ManualClock(time.time())
    with serve(release, clock=clock, scenario={"idle_timeout": "1d"}) as server:
        kit = server.kit(not_after=utc_now() + datetime.timedelta(hours=1), directory=tmp_path)
        with CellClient(server, kit) as client:
            token = client.token()
            clock.advance(7200)
            assert client.ask("list_jobs", token)["meta"]["status"] == "ok"


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_a_token_that_the_server_signed_opens_its_session_again(serve: Serve, release: str) -> None:
    with serve(release) as server, CellClient(server, server.kit()) as client:
        token = client.token()
        assert client.ask("_logout", token)["data"] == [{"type": "string", "data": "OK"}]
        assert client.ask("_check_session", token)["data"] == inactive(
            "admin client session timed out after 1800 seconds of inactivity - logging out"
        )
        assert client.ask("list_jobs", token)["meta"]["status"] == "ok"
        assert client.ask("_check_session", token)["data"] == [{"type": "string", "data": "OK"}]


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_a_token_outlives_a_restart(serve: Serve, release: str) -> None:
    with serve(release) as server:
        kit = server.kit()
        with CellClient(server, kit) as client:
            token = client.token()
            server.restart()
            with pytest.raises(ConnectionError):
                client.ask("list_jobs", token)
        assert len(server.call(lambda context: list(context.sessions))) == 0
        with CellClient(server, kit) as client:
            assert client.ask("list_jobs", token)["meta"]["status"] == "ok"
            rows = client.ask("list_sessions", token)["data"][0]["rows"]
    assert rows[0] == ["USER", "ORG", "ROLE", "SESSION ID", "START", "LAST ACTIVE", "IDLE"]
    assert [row[:3] for row in rows[1:]] == [["admin@nvidia.com", "nvidia", "project_admin"]]


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_a_token_of_nobody(serve: Serve, release: str) -> None:
    with serve(release) as server, CellClient(server, server.kit()) as client:
        over = "timed out/expired" if release == "2.9" else "timed out"
        text = f"user not authenticated or session {over} after 1800 seconds of inactivity - logged out"
        for token in ("nonsense", "", "e30=:AAAA", client.token()[:-8] + "AAAAAAA="):
            reply = client.ask("list_jobs", token)
            assert (reply["data"], reply["meta"]) == (inactive(text), ERROR)
        assert client.ask("list_jobs")["data"] == [{"type": "error", "data": "not authenticated - no token"}]
        assert client.ask("_check_session")["data"] == [{"type": "error", "data": "invalid_session"}]


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_the_end_of_an_upload_restores_no_session(serve: Serve, release: str) -> None:
    with serve(release) as server, CellClient(server, server.kit()) as client:
        token = client.token()
        client.ask("_logout", token)
        profile = PROFILES[release]
        assert profile.cell is not None
        line = client.command("submit_job hello", token)
        sender = upload.UploadSender(client.user, line, 3, profile.cell.upload_prefix)
        answer = client.request(upload.CHANNEL, upload.TOPIC, sender.piece(b"zip"))
        assert isinstance(answer.content, Shareable)
        result = upload.read_answer(answer.content)
        assert result is not None
        assert json.loads(result)["data"] == [{"type": "error", "data": "Exception Occurred: AssertionError: "}]
        root = server.call(lambda context: context.staging.root)
        assert list(root.iterdir()) == []
        assert client.ask("list_sessions", client.token())["data"][0]["rows"][2:] == []


# --- login ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", FROM_28)
@pytest.mark.parametrize(
    ("study", "answer"),
    [
        (5, "REJECT: AUTH_INVALID_STUDY: study must be a string"),
        ("No Study", "REJECT: AUTH_INVALID_STUDY_NAME: invalid study name 'No Study'"),
        ("heart", "REJECT: AUTH_STUDY_NOT_CONFIGURED: study 'heart' is not configured on the server"),
    ],
)
def test_a_login_to_a_study_that_is_not_there(serve: Serve, release: str, study: Any, answer: str) -> None:
    with serve(release) as server, CellClient(server, server.kit()) as client:
        assert client.log_in(study)["data"] == [{"type": "string", "data": answer}]


def test_27_does_not_look_at_studies(serve: Serve) -> None:
    with serve("2.7") as server, CellClient(server, server.kit()) as client:
        assert client.log_in("No Study")["data"][0]["data"] == "OK"


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_from_29_on_a_login_needs_a_certificate_that_holds(serve: Serve, release: str, tmp_path: Path) -> None:
    with serve(release) as server, CellClient(server, server.kit()) as client:
        past, begin = utc_now() - datetime.timedelta(days=1), utc_now() - datetime.timedelta(days=9)
        old = server.kit(not_before=begin, not_after=past, directory=tmp_path) / "startup"
        signer = type(client.signer)((old / "client.key").read_bytes())
        headers = {"cert": (old / "client.crt").read_bytes(), "signature": signer.sign(client.user)}
        said = client.log_in(**headers)["data"][0]["data"]
        assert said == ("REJECT" if release == "2.9" else "OK")


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_a_login_in_anothers_name(serve: Serve, release: str) -> None:
    with serve(release) as server, CellClient(server, server.kit()) as client:
        other = server.kit("other@nvidia.com") / "startup"
        signer = type(client.signer)((other / "client.key").read_bytes())
        certificate = (other / "client.crt").read_bytes()
        for headers in (
            {"cert": certificate},
            {"cert": certificate, "signature": signer.sign(client.user)},
            {"signature": b"x"},
            {"cert": b"x"},
            {"user_name": "other@nvidia.com"},
        ):
            assert client.log_in(**headers)["data"] == [{"type": "string", "data": "REJECT"}]


# --- downloads --------------------------------------------------------------------------------------------------


class Fetching:
    """A finished job whose result a cell is about to fetch."""

    def __init__(self, server: MockServer, client: CellClient, folder: Path) -> None:
        desk = Desk(server)
        job_id = desk.job(folder)
        assert isinstance(server.clock, ManualClock)
        server.clock.advance(1)
        self.server, self.client, self.token = server, client, client.token()
        files = client.ask(f"download_job {job_id}", self.token)["meta"]["files"]
        self.references = dict(files)

    def folders(self) -> int:
        root = self.server.call(lambda context: context.staging.root)
        return sum(path.is_dir() for path in root.iterdir())

    def fetch(self, name: str, **more: Any) -> Any:
        received = 0
        while True:
            content = self.client.piece(self.references[name], received, **more).content
            if content["status"] != "ok":
                return content
            received += len(content["data"])


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_a_download_is_over_with_its_last_file(serve: Serve, release: str, make_job: JobMaker) -> None:
    with serve(release, clock=ManualClock()) as server, CellClient(server, server.kit()) as client:
        fetching = Fetching(server, client, make_job())
        assert fetching.folders() == 1
        for name in fetching.references:
            assert fetching.fetch(name) == {"status": "eof"}
        assert fetching.folders() == 0
        again = client.piece(fetching.references["meta.json"])
        if release in FROM_28:
            assert (again.code, again.content) == ("ok", {"status": "eof"})
        else:
            assert again.code == "invalid_request"
        assert client.piece(f"R{uuid.uuid4()}").code == "invalid_request"


def test_29_waits_for_confirmations(serve: Serve, make_job: JobMaker) -> None:
    with serve("2.9", clock=ManualClock()) as server, CellClient(server, server.kit()) as client:
        fetching = Fetching(server, client, make_job())
        for name, reference in fetching.references.items():
            end = fetching.fetch(name, confirm_capable=True)
            assert end["confirm_expected"] is True
            word = {"ref_id": reference, "confirm": "success" if name == "meta.json" else "failed"}
            client.tell("download_service__", "download_service__download", word | {"confirm_nonce": "wrong"})
            client.piece(reference)
            assert fetching.folders() == 1
            client.tell(
                "download_service__", "download_service__download", word | {"confirm_nonce": end["confirm_nonce"]}
            )
        assert client.piece(fetching.references["meta.json"]).content == {"status": "eof"}
        assert client.piece(fetching.references["job.zip"]).content == {"status": "error"}
        assert fetching.folders() == 0


def test_29_gives_up_a_download_that_is_cancelled(serve: Serve, make_job: JobMaker) -> None:
    with serve("2.9", clock=ManualClock()) as server, CellClient(server, server.kit()) as client:
        fetching = Fetching(server, client, make_job())
        reference = fetching.references["job.zip"]
        client.tell("download_service__", "download_service__download", {"ref_id": reference, "cancel": True})
        assert client.piece(reference).code == "invalid_request"
        assert fetching.folders() == 0


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_an_abandoned_download_is_removed(serve: Serve, release: str, make_job: JobMaker) -> None:
    clock = ManualClock()
    with serve(release, clock=clock) as server, CellClient(server, server.kit()) as client:
        fetching = Fetching(server, client, make_job())
        for _ in range(3):
            clock.advance(9)
            assert client.piece(fetching.references["job.zip"]).content["status"] == "ok"
        clock.advance(11)
        if release == "2.9":
            assert client.piece(fetching.references["job.zip"]).content["status"] == "ok"
            clock.advance(1806)
        wait_until(lambda: fetching.folders() == 0)  # by itself, without another request
        assert client.piece(fetching.references["job.zip"]).code == "invalid_request"


def test_29_keeps_a_session_as_long_as_it_downloads(serve: Serve, make_job: JobMaker) -> None:
    clock = ManualClock()
    with serve("2.9", clock=clock) as server, CellClient(server, server.kit()) as client:
        fetching = Fetching(server, client, make_job())
        for _ in range(3):
            clock.advance(1700)
            assert client.piece(fetching.references["job.zip"]).content["status"] == "ok"
        assert client.ask("_check_session", fetching.token)["data"] == [{"type": "string", "data": "OK"}]
        client.ask("_logout", fetching.token)
        assert client.piece(fetching.references["job.zip"]).code == "invalid_request"
        assert fetching.folders() == 0


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_a_restart_forgets_downloads(serve: Serve, release: str, make_job: JobMaker) -> None:
    with serve(release, clock=ManualClock()) as server:
        kit = server.kit()
        with CellClient(server, kit) as client:
            fetching = Fetching(server, client, make_job())
        server.restart()
        assert fetching.folders() == 0
        with CellClient(server, kit) as client:
            assert client.piece(fetching.references["job.zip"]).code == "invalid_request"
