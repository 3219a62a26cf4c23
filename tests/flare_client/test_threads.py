"""One session, many threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flare_client import ServerUnreachable, Session, SessionClosed, SessionExpired, new_secure_session
from mock_server import MockServer
from tests.support import ALL_RELEASES, JobMaker, wait_until

ADMIN = "admin@nvidia.com"
THREADS = 8
FAST = {"jobs": [{"queued": 0, "running": 0}], "limits": {"max_jobs": 1000}}


def together(work: Callable[[int], object]) -> list[object]:
    """Run the work in all threads at once; what one raises comes out."""
    start = threading.Barrier(THREADS)

    def run(number: int) -> object:
        start.wait(10)
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_each_thread_gets_the_answers_to_its_own_questions(release: str, make_job: JobMaker) -> None:
    folders = [make_job(f"job-{number}") for number in range(THREADS)]
    with MockServer(release, scenario=FAST) as server, new_secure_session(ADMIN, str(server.kit())) as session:

        def life(number: int) -> str:
            job_id = session.submit_job(str(folders[number]))
            session.monitor_job(job_id, timeout=30, poll_interval=0.01)
            assert session.get_job_meta(job_id)["name"] == f"job-{number}"
            assert [job["job_name"] for job in session.list_jobs(id_prefix=job_id)] == [f"job-{number}"]
            result = Path(session.download_job_result(job_id))
            assert (result / "job" / f"job-{number}" / "meta.json").is_file()
            return job_id

        assert len(set(together(life))) == THREADS
        assert len(session.list_jobs()) == THREADS
        assert server.call(lambda context: len(context.sessions)) == 1


@pytest.mark.parametrize("release", ["2.4", "2.6"])
def test_one_job_downloaded_by_all_threads_gets_a_folder_for_each(release: str, make_job: JobMaker) -> None:
    with MockServer(release, scenario=FAST) as server, new_secure_session(ADMIN, str(server.kit())) as session:
        job_id = session.submit_job(str(make_job()))
        paths = together(lambda _: session.download_job_result(job_id))
        expected = {job_id} | {f"{job_id}__{number}" for number in range(1, THREADS)}
        assert {Path(str(path)).name for path in paths} == expected
        assert {path.name for path in Path(session.download_dir).iterdir()} == expected


def test_threads_that_find_the_session_expired_all_get_on() -> None:
    with MockServer() as server, new_secure_session(ADMIN, str(server.kit())) as session:

        def work(_: int) -> int:
            done = reconnected = 0
            while done < 10:
                try:
                    session.list_jobs()
                except SessionExpired:
                    session.try_connect(10)
                    reconnected += 1
                    assert reconnected < 100
                    continue
                done += 1
                if done == 5:
                    server.expire_sessions()
            return done

        assert together(work) == [10] * THREADS


def test_closing_stops_all_threads() -> None:
    with MockServer() as server:
        session = new_secure_session(ADMIN, str(server.kit()))
        calls = [0] * THREADS

        def poll(number: int) -> Exception:
            while True:
                try:
                    session.list_jobs()
                except (SessionClosed, ServerUnreachable) as problem:
                    return problem
                calls[number] += 1

        with ThreadPoolExecutor(THREADS) as pool:
            polling = [pool.submit(poll, number) for number in range(THREADS)]
            wait_until(lambda: all(calls))
            session.close()
            problems = [one.result(20) for one in polling]
        assert all(isinstance(problem, SessionClosed) for problem in problems)
        assert server.call(lambda context: len(context.sessions)) == 0


def test_connecting_from_all_threads_leaves_one_that_works() -> None:
    with MockServer() as server:
        session = Session(ADMIN, str(server.kit()))
        together(lambda _: session.try_connect(10))
        assert together(lambda _: session.list_jobs()) == [[]] * THREADS
        session.close()
