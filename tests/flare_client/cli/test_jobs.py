"""Jobs from submission to result at the command line, on servers of several releases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.flare_client.cli.command import ADMIN, QUICK, Flare
from tests.support import JobMaker


def submitted(flare: Flare, folder: Path) -> str:
    job_id: str = flare.ask("jobs", "submit", str(folder)).result["job_id"]
    return job_id


def test_a_job_from_submission_to_result(flare: Flare, make_job: JobMaker, tmp_path: Path) -> None:
    folder = make_job("hello")
    done = flare("jobs", "submit", str(folder))
    job_id = done.out.strip()
    assert (done.code, done.out) == (0, f"{job_id}\n"), "a script reads the id and nothing else"
    assert done.err.startswith("sent hello: ")

    done = flare("jobs", "monitor", job_id, *QUICK)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1].rpartition(" after ")[0].endswith("hello  FINISHED:COMPLETED")

    meta = flare.ask("jobs", "meta", job_id).result["meta"]
    assert (meta["name"], meta["submitter_name"], meta["status"]) == ("hello", ADMIN, "FINISHED:COMPLETED")
    assert ["job_id", job_id] in [line.split() for line in flare("jobs", "meta", job_id).out.splitlines()]

    done = flare("jobs", "download", job_id, "--to", str(tmp_path / "results"))
    place = Path(done.out.strip())
    assert place == tmp_path / "results" / job_id
    assert any(place.rglob("meta.json"))
    assert done.err.startswith("fetched ")

    done = flare("jobs", "delete", job_id, "--yes")
    assert (done.code, done.out, done.err) == (0, f"deleted {job_id}\n", "")
    assert flare.ask("jobs", "meta", job_id).error["kind"] == "job_not_found"


def test_the_list_is_a_table_whose_lines_a_script_can_cut(flare: Flare, make_job: JobMaker) -> None:
    job_id = submitted(flare, make_job("listed"))
    flare("jobs", "wait", job_id, *QUICK)
    header, *lines = flare("jobs", "list", "--id", job_id).out.splitlines()
    assert header.split()[:2] == ["id", "name"]
    assert [line.split()[:2] for line in lines] == [[job_id, "listed"]]
    assert "FINISHED:COMPLETED" in lines[0]
    (listed,) = flare.ask("jobs", "list", "--id", job_id).result["jobs"]
    assert (listed["job_id"], listed["job_name"]) == (job_id, "listed")
    (detailed,) = flare.ask("jobs", "list", "--id", job_id, "--detailed").result["jobs"]
    assert detailed["deploy_map"] == {"app": ["@ALL"]}


def test_the_list_can_be_narrowed_and_turned_round(flare: Flare, make_job: JobMaker) -> None:
    first, second = (submitted(flare, make_job("narrow")) for _ in range(2))
    listed = flare.ask("jobs", "list", "--name", "narrow").result["jobs"]
    assert [job["job_id"] for job in listed] == [first, second]
    listed = flare.ask("jobs", "list", "--name", "narrow", "--newest-first", "--limit", "1").result["jobs"]
    assert [job["job_id"] for job in listed] == [second]
    done = flare("jobs", "list", "--name", "nobody-called-it-so")
    assert (done.code, done.out, done.err) == (0, "", "no jobs\n")


def test_a_clone_prints_the_new_id_alone(flare: Flare, make_job: JobMaker) -> None:
    job_id = submitted(flare, make_job("again"))
    new_id = flare("jobs", "clone", job_id).out.strip()
    assert flare.ask("jobs", "meta", new_id).result["meta"]["cloned_from"] == job_id
    again = flare.ask("jobs", "clone", job_id).result
    assert again["cloned_from"] == job_id
    assert again["job_id"] not in (job_id, new_id)


def test_an_abort_ends_a_job_and_says_what_the_server_says(flare: Flare, make_job: JobMaker) -> None:
    job_id = submitted(flare, make_job("long-aborted"))
    done = flare("jobs", "abort", job_id, "--yes")
    assert done.code == 0
    assert done.out.strip()
    end = flare.ask("jobs", "wait", job_id, *QUICK)
    assert (end.code, end.error["kind"]) == (1, "job_failed")
    assert end.documents[-1]["result"]["job_status"] == "FINISHED:ABORTED"
    again = flare.ask("jobs", "abort", job_id, "--yes")
    assert set(again.result) == {"job_id", "info"}


def test_a_running_job_is_not_deleted(flare: Flare, make_job: JobMaker) -> None:
    job_id = submitted(flare, make_job("long-kept"))
    flare("jobs", "monitor", job_id, *QUICK, "--timeout", "0.1")
    assert flare.ask("jobs", "delete", job_id, "--yes").error["kind"] == "job_not_done"


def test_a_job_may_be_named_by_its_place_in_the_upload_folder(flare: Flare, make_job: JobMaker) -> None:
    folder = make_job("uploadable")
    folder.rename(flare.kit / "transfer" / "uploadable")
    assert flare.ask("jobs", "submit", "uploadable").result["folder"] == "uploadable"


def test_what_is_here_counts_more_than_what_is_in_the_upload_folder(
    flare: Flare, make_job: JobMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_job("both", name="of-the-kit").rename(flare.kit / "transfer" / "both")
    here = make_job("both", name="of-here")
    monkeypatch.chdir(here.parent)
    job_id = flare.ask("jobs", "submit", "both").result["job_id"]
    assert flare.ask("jobs", "meta", job_id).result["meta"]["name"] == "of-here"


def test_a_large_result_of_release_23_is_its_address(make_job: JobMaker, tmp_path: Path) -> None:
    from mock_server import MockServer  # noqa: PLC0415 - the one test with a server of its own here

    scenario = {
        "jobs": [{"queued": 0, "running": 0, "result": {"size": "2MiB"}}],
        "limits": {"max_download_size": "1MiB", "download_url": "http://download.example.com/"},
    }
    with MockServer("2.3", scenario=scenario) as server:
        flare = Flare(server.kit(directory=tmp_path / "kits"))
        job_id = submitted(flare, make_job("hello"))
        flare("jobs", "wait", job_id, *QUICK)
        result = flare.ask("jobs", "download", job_id).result
        assert result == {"job_id": job_id, "path": None, "address": f"http://download.example.com/{job_id}"}
        assert flare("jobs", "download", job_id).out == f"http://download.example.com/{job_id}\n"


def test_a_submit_token_makes_one_job(flare_of: Callable[..., Flare], make_job: JobMaker) -> None:
    flare, folder = flare_of("2.9"), make_job("tokened")
    words = ("jobs", "submit", str(folder), "--token", "nightly-1")
    job_id = flare.ask(*words).result["job_id"]
    assert flare.ask(*words).result["job_id"] == job_id
    assert [job["job_id"] for job in flare.ask("jobs", "list", "--token", "nightly-1").result["jobs"]] == [job_id]
    other = flare.ask("jobs", "submit", str(make_job("other")), "--token", "nightly-1")
    assert (other.code, other.error["kind"]) == (1, "token_conflict")
    assert flare_of("2.6").ask(*words).error["kind"] == "not_in_release"


def test_logs_of_several_machines_have_headings(flare_of: Callable[..., Flare], make_job: JobMaker) -> None:
    flare = flare_of("2.9")
    job_id = submitted(flare, make_job("logged"))
    flare("jobs", "wait", job_id, *QUICK)
    whole = flare("jobs", "logs", job_id).out
    assert "nothing was trained" in whole
    assert flare("jobs", "logs", job_id, "--tail", "1").out == whole.splitlines(keepends=True)[-1]
    assert flare("jobs", "logs", job_id, "--grep", "no line holds this").out.strip() == ""
    logs = flare.ask("jobs", "logs", job_id, "--site", "all").result
    assert logs["logs"]["server"] == whole


def test_a_log_without_a_line_prints_nothing(flare_of: Callable[..., Flare], make_job: JobMaker) -> None:
    flare = flare_of("2.9")
    job_id = flare.ask("jobs", "submit", str(make_job("hello"))).result["job_id"]
    assert flare("jobs", "logs", job_id, "--grep", "no line holds this").out == ""


def test_what_a_running_job_counts_and_stumbles_over(flare_of: Callable[..., Flare], make_job: JobMaker) -> None:
    for release in ("2.6", "2.9"):
        flare = flare_of(release)
        job_id = submitted(flare, make_job("long-counted"))
        flare("jobs", "monitor", job_id, *QUICK, "--timeout", "0.1")
        assert set(flare.ask("jobs", "stats", job_id).result["machines"]) >= {"server", "site-1"}
        chosen = flare.ask("jobs", "stats", job_id, "--site", "server", "--site", "site-2").result["machines"]
        assert set(chosen) == {"server", "site-2"}
        assert "server:" in flare("jobs", "stats", job_id).out
        assert flare("jobs", "errors", job_id, "--reset").code == 0
        flare("jobs", "abort", job_id, "--yes")
