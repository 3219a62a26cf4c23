"""The plugin as a user's test suite meets it: fixtures, marks, ini options, reports; nothing where it is not used."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import flare_client
import mock_server  # imported here, so that inner runs do not import it anew
from flare_client.protocol.releases import LATEST, PROFILES

pytest_plugins = ["pytester"]

assert flare_client.new_secure_session
assert mock_server.MockServer

JOB = """
    import json

    def job(tmp_path, name="hello"):
        folder = tmp_path / name
        (folder / "app" / "config").mkdir(parents=True)
        meta = {"name": name, "resource_spec": {}, "min_clients": 1, "deploy_map": {"app": ["@ALL"]}}
        (folder / "meta.json").write_text(json.dumps(meta))
        for side in ("server", "client"):
            (folder / "app" / "config" / f"config_fed_{side}.json").write_text("{}")
        return str(folder)
"""


def run(pytester: pytest.Pytester, text: str, *words: str, ini: str = "") -> pytest.RunResult:
    pytester.makeini(f"[pytest]\n{ini}\n")
    pytester.makepyfile(jobs=JOB)
    pytester.makepyfile(text)
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", *words)


def test_a_server_a_kit_and_a_session_come_as_fixtures(pytester: pytest.Pytester) -> None:
    done = run(
        pytester,
        f"""
        import pytest
        from jobs import job

        def test_a_job(flare_server, flare_kit, flare_session, tmp_path):
            assert flare_server.release == "{LATEST.release}"
            assert (flare_kit / "startup" / "client.key").is_file()
            job_id = flare_session.submit_job(job(tmp_path))
            assert [one["job_id"] for one in flare_session.list_jobs()] == [job_id]
            flare_server.calls.require_once("submit_job", "hello")

        def test_nothing_is_left_of_the_one_before(flare_server, flare_session):
            assert flare_session.list_jobs() == []
            flare_server.calls.require_none("submit_job")
        """,
    )
    done.assert_outcomes(passed=2)


def test_marks_say_what_the_server_is_and_the_closest_counts(pytester: pytest.Pytester) -> None:
    done = run(
        pytester,
        """
        import pytest
        from jobs import job

        pytestmark = pytest.mark.flare(release="2.6", user="lead@nvidia.com", role="lead")

        def test_module(flare_server, flare_session):
            assert (flare_server.release, flare_server.scheme) == ("2.6", None)
            assert flare_session.release == "2.6"
            flare_session.list_jobs()
            flare_server.calls.require_once("list_jobs", user="lead@nvidia.com")

        @pytest.mark.flare(release="2.9", scheme="tcp", sites=["hospital"])
        class TestClass:
            def test_class(self, flare_server, flare_session):
                assert (flare_server.release, flare_server.scheme.value) == ("2.9", "tcp")
                assert [one.name for one in flare_session.get_system_info().client_info] == ["hospital"]

            @pytest.mark.flare(scheme="http", connection_security="clear", user="me@here.org", org="here")
            def test_function(self, flare_server, flare_session, flare_kit):
                assert (flare_server.scheme.value, flare_server.security.value) == ("http", "clear")
                assert flare_kit.name == "me@here.org"
                assert flare_session.list_jobs() == []

        @pytest.mark.flare(release="2.3", secure=False)
        def test_insecure(flare_session):
            assert flare_session.list_jobs() == []

        @pytest.mark.flare(user=None, role=None, scenario={
            "users": [{"name": "boss@clinic.org", "org": "clinic", "role": "org_admin"}, {"name": "other@clinic.org"}],
        })
        def test_the_first_user_of_a_scenario(flare_session, flare_server, flare_kit):
            assert flare_kit.name == "boss@clinic.org"
            assert flare_server.call(lambda context: [one.role for one in context.sessions]) == ["org_admin"]
        """,
    )
    done.assert_outcomes(passed=5)


def test_a_day_passes_at_once_with_a_manual_clock(pytester: pytest.Pytester) -> None:
    done = run(
        pytester,
        """
        import pytest
        from jobs import job

        @pytest.mark.flare(release="2.6", clock="manual", scenario={
            "jobs": [{"running": "1d", "outcome": "EXECUTION_EXCEPTION"}]})
        def test_a_day(flare_server, flare_session, tmp_path):
            job_id = flare_session.submit_job(job(tmp_path))
            flare_server.clock.advance(60)
            assert flare_session.get_job_meta(job_id)["status"] == "RUNNING"
            flare_server.clock.advance(24 * 3600)
            # The session has been idle for a day.
            assert flare_server.job_metas()[0]["status"] == "FINISHED:EXECUTION_EXCEPTION"
        """,
    )
    done.assert_outcomes(passed=1)


def test_a_session_waits_in_the_time_of_its_server(pytester: pytest.Pytester) -> None:
    done = run(
        pytester,
        """
        import pytest
        from flare_client import MonitorReturnCode
        from jobs import job

        # On a fast clock a session would soon have been idle for too long.
        DAY = {"jobs": [{"queued": 0, "running": "20h"}], "idle_timeout": "100d"}

        def watch(server, session, folder, **how):
            folder.mkdir(exist_ok=True)
            job_id, began = session.submit_job(job(folder)), server.clock.monotonic()
            return session.monitor_job(job_id, **how), server.clock.monotonic() - began

        @pytest.mark.flare(clock="virtual", scenario=DAY)
        def test_a_day(flare_server, flare_session, tmp_path):
            code, passed = watch(flare_server, flare_session, tmp_path, timeout=86400, poll_interval=600)
            assert code is MonitorReturnCode.JOB_FINISHED
            assert 20 * 3600 <= passed <= 20 * 3600 + 600
            code, passed = watch(flare_server, flare_session, tmp_path / "2", timeout=3600, poll_interval=600)
            assert code is MonitorReturnCode.TIMEOUT
            assert 3600 < passed <= 3600 + 600

        @pytest.mark.flare(clock="x100000", scenario=DAY)
        def test_faster(flare_server, flare_session, tmp_path):
            code, passed = watch(flare_server, flare_session, tmp_path, timeout=864000, poll_interval=600)
            assert code is MonitorReturnCode.JOB_FINISHED
            assert passed > 19 * 3600  # the clock runs while the job is submitted, too

        @pytest.mark.flare(scenario={**DAY, "clock": {"speed": "virtual"}})
        def test_the_clock_of_a_scenario(flare_server, flare_session, tmp_path):
            code, passed = watch(flare_server, flare_session, tmp_path, timeout=86400, poll_interval=3600)
            assert (code, passed) == (MonitorReturnCode.JOB_FINISHED, 20 * 3600)

        def test_the_machine_again(flare_server, flare_session):
            before = flare_server.clock.time()
            assert before > 1_700_100_000  # no day of a virtual clock
            flare_session.clock.sleep(0)
        """,
        "-o",
        "flare_shared=true",
    )
    done.assert_outcomes(passed=4)


def test_a_server_is_as_pedantic_as_the_mark_says(pytester: pytest.Pytester) -> None:
    done = run(
        pytester,
        """
        import pytest

        @pytest.mark.flare(pedantic=7, scenario={"users": [{"name": "one@nvidia.com"}]})
        def test_a_seed(flare_server, flare_session):
            assert flare_server.pedantry.seed == 7
            assert [user.name for user in flare_server.scenario.users] == ["one@nvidia.com"]
            flare_session.list_jobs()
            assert "variation" in {entry.kind.value for entry in flare_server.transcript.entries()}

        def test_none(flare_server):
            assert flare_server.pedantry is None

        @pytest.mark.flare(pedantic={"seed": 3, "only": ["escapes"]})
        def test_one_variation(flare_server):
            assert flare_server.pedantry.only == ("escapes",)
        """,
        "-o",
        "flare_shared=true",
    )
    done.assert_outcomes(passed=3)


def test_a_scenario_file_lies_beside_the_test_or_the_ini_file(pytester: pytest.Pytester) -> None:
    (pytester.mkdir("deep") / "slow.yaml").write_text("users: [{name: deep@nvidia.com}]\n")
    (pytester.path / "usual.yaml").write_text("users: [{name: usual@nvidia.com}]\n")
    (pytester.path / "deep" / "test_deep.py").write_text(
        "import pytest\n"
        "@pytest.mark.flare(scenario='slow.yaml')\n"
        "def test_mark(flare_kit): assert flare_kit.name == 'deep@nvidia.com'\n"
        "def test_ini(flare_kit): assert flare_kit.name == 'usual@nvidia.com'\n"
    )
    done = run(pytester, "", ini="flare_scenario = usual.yaml")
    done.assert_outcomes(passed=2)


def test_a_test_runs_on_each_release_that_the_mark_names(pytester: pytest.Pytester) -> None:
    done = run(
        pytester,
        """
        import pytest

        @pytest.mark.flare_releases("2.3", "2.9-tcp")
        def test_two(flare_server, flare_session):
            assert flare_session.list_jobs() == []
            print("ran", flare_server.release, flare_server.scheme)

        @pytest.mark.flare_releases
        def test_all(flare_release):
            assert flare_release

        @pytest.mark.parametrize("flare_release", ["2.5"], indirect=True)
        def test_by_hand(flare_server):
            assert flare_server.release == "2.5"
        """,
        "-v",
    )
    done.assert_outcomes(passed=3 + len(PROFILES))
    done.stdout.fnmatch_lines(["*test_two?2.3? PASSED*", "*test_two?2.9-tcp? PASSED*", "*test_by_hand?2.5? PASSED*"])


def test_the_ini_file_names_releases_for_tests_that_name_none(pytester: pytest.Pytester) -> None:
    done = run(
        pytester,
        """
        import pytest

        def test_any(flare_server): print("any", flare_server.release)

        @pytest.mark.flare(release="2.5")
        def test_own(flare_server): assert flare_server.release == "2.5"

        def test_without_a_server(): pass
        """,
        "-v",
        ini="flare_releases = 2.4 2.6",
    )
    done.assert_outcomes(passed=4)
    done.stdout.fnmatch_lines(["*test_any?2.4? PASSED*", "*test_any?2.6? PASSED*", "*test_own PASSED*"])


def test_a_shared_server_is_as_if_just_started(pytester: pytest.Pytester) -> None:
    done = run(
        pytester,
        """
        import pytest
        from jobs import job

        seen = []

        def test_first(flare_server, flare_session, tmp_path):
            seen.append((flare_server, flare_server.admin_port))
            flare_session.submit_job(job(tmp_path))
            flare_server.set_site_connected("site-1", False)
            flare_server.withhold("clone_job")

        @pytest.mark.flare(sites=["a", "b", "c"], scenario={"users": [{"name": "other@nvidia.com"}]}, clock="manual")
        def test_second(flare_server, flare_session):
            assert (flare_server, flare_server.admin_port) == seen[0]
            assert flare_session.list_jobs() == []
            assert [one.name for one in flare_session.get_system_info().client_info] == ["a", "b", "c"]
            flare_server.calls.require_once("list_jobs", user="other@nvidia.com")
            flare_server.clock.advance(5)

        def test_third(flare_server, flare_session):
            assert flare_server is seen[0][0]
            assert [one.name for one in flare_session.get_system_info().client_info] == ["site-1", "site-2"]
            assert flare_server.clock.time() > 1_700_000_100
            flare_server.stop()

        def test_one_that_was_stopped_is_replaced(flare_server, flare_session):
            assert flare_server is not seen[0][0]
            assert flare_session.list_jobs() == []

        @pytest.mark.flare(shared=False)
        def test_one_of_its_own(flare_server):
            seen.append(flare_server)

        @pytest.mark.flare(release="2.6")
        def test_another_release(flare_server, flare_session):
            assert flare_session.release == "2.6"

        def test_last(flare_server):
            assert flare_server is not seen[-1]
        """,
        ini="flare_shared = true",
    )
    done.assert_outcomes(passed=7)


def test_a_failure_shows_what_came_and_the_end_of_the_transcript(pytester: pytest.Pytester) -> None:
    text = """
        def test_fails(flare_server, flare_session):
            flare_session.list_jobs()
            assert False

        def test_passes(flare_session):
            flare_session.list_jobs()

        def test_fails_without_a_server():
            assert False
    """
    done = run(pytester, text, ini="flare_transcript_lines = 5")
    done.assert_outcomes(passed=1, failed=2)
    done.stdout.fnmatch_lines(
        ["*flare calls*", "list_jobs by admin@nvidia.com: ok", "*flare transcript (the last 5 of * entries)*"]
    )
    shown = done.outlines
    start = next(number for number, line in enumerate(shown) if "flare transcript" in line)
    end = next(number for number in range(start + 1, len(shown)) if shown[number].startswith("__"))
    assert end - start == 6
    assert sum("flare transcript" in line for line in shown) == 1

    quiet = run(pytester, text, ini="flare_transcript_lines = 0")
    assert "flare transcript" not in quiet.stdout.str()


def test_a_session_that_cannot_be_had_shows_the_transcript_too(pytester: pytest.Pytester) -> None:
    done = run(
        pytester,
        """
        import pytest

        @pytest.fixture
        def silent(flare_server):
            flare_server.withhold("_cert_login")

        @pytest.mark.flare(release="2.6")
        def test_login(silent, flare_session): pass
        """,
    )
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*flare transcript*"])


@pytest.mark.parametrize(
    ("mark", "text"),
    [
        ("flare(relase='2.6')", "expected keywords of release, scheme, *, but got 'relase'"),
        ("flare('2.6')", "expected the mark flare with keywords alone, but got '2.6'"),
        ("flare(release='9.9')", "*unknown release '9.9'*"),
        ("flare(release='2.6', scheme='tcp')", "*expected no scheme for release 2.6*"),
        ("flare(scheme='pigeon')", "*expected a scheme of http, tcp, grpc, but got 'pigeon'*"),
        ("flare(clock='slow')", "expected a clock of real, virtual *, a speed as x100, or a clock *, but got 'slow'"),
        ("flare(clock=3)", "expected a clock of real, virtual *, or a clock with a method time(), but got 3"),
        ("flare(pedantic='very')", "<scenario>: pedantic: expected true, a seed, or a mapping *, but got 'very'"),
        ("flare(pedantic={'only': ['escape']})", "*expected one of member-order, *(did you mean 'escapes'?)"),
        ("flare(scenario={'jobs': 3})", "<scenario>: jobs: *"),
        ("flare(scenario='missing.yaml')", "*missing.yaml: expected a scenario file, but No such file*"),
        ("flare(scenario=3)", "expected a scenario, its content as a dict, or the path of its file, but got 3"),
        ("flare(faults='delay')", "expected faults as the arguments of server.faults.inject, as *, but got 'delay'"),
        (
            "flare(client='no_such_client')",
            "expected a client of flare_client, official *, but got 'no_such_client': *",
        ),
        ("flare(client='json')", "expected a client of *, but got 'json': *no attribute 'new_secure_session'*"),
    ],
)
def test_a_wrong_mark_is_a_clear_error(pytester: pytest.Pytester, mark: str, text: str) -> None:
    done = run(pytester, f"import pytest\n@pytest.mark.{mark}\ndef test_it(flare_session): pass\n")
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines([f"*flare: {text}"])
    assert "Traceback" not in done.stdout.str()
    assert "settings.py" not in done.stdout.str()


@pytest.mark.parametrize(
    ("mark", "text"),
    [
        ("flare_releases('9.9')", "*unknown release '9.9'*"),
        ("flare_releases(scheme='tcp')", "*expected no keywords in*"),
    ],
)
def test_wrong_releases_are_an_error_of_the_collection(pytester: pytest.Pytester, mark: str, text: str) -> None:
    done = run(pytester, f"import pytest\n@pytest.mark.{mark}\ndef test_it(flare_session): pass\n")
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines([text])


def test_faults_of_the_mark_are_in_force_from_the_start(pytester: pytest.Pytester) -> None:
    done = run(
        pytester,
        """
        import pytest

        @pytest.mark.flare(release="2.6", faults={"action": "reply", "error": "not today", "command": "list_jobs"})
        def test_one(flare_server, flare_session):
            assert len(flare_server.faults.rules) == 1
            with pytest.raises(Exception, match="not today"):
                flare_session.list_jobs()

        @pytest.mark.flare(release="2.6", faults=[
            {"action": "delay", "seconds": 0.01, "command": "list_jobs"}, {"action": "full_disk"}])
        def test_two(flare_server):
            assert [rule.action.kind for rule in flare_server.faults.rules] == ["delay", "full_disk"]

        @pytest.mark.flare(release="2.6")
        def test_none(flare_server, flare_session):
            assert flare_server.faults.rules == []
            flare_session.list_jobs()

        @pytest.mark.flare(faults={"action": "earthquake"})
        def test_unknown(flare_server): pass
        """,
        ini="flare_shared = true",
    )
    done.assert_outcomes(passed=3, errors=1)
    done.stdout.fnmatch_lines(["*flare: expected a fault of *, but got 'earthquake'*"])


def test_the_client_may_be_another(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        their_client="""
        class Session:
            def __init__(self, user, kit): self.user, self.kit = user, kit
            def close(self): raise RuntimeError("cannot leave")

        def new_secure_session(user, kit): return Session(user, kit)
        """
    )
    done = run(
        pytester,
        """
        def test_it(flare_session, flare_kit):
            assert (flare_session.user, flare_session.kit) == ("admin@nvidia.com", str(flare_kit))
        """,
        ini="flare_client = their_client",
    )
    done.assert_outcomes(passed=1)


def test_the_official_client_is_of_the_release_that_is_installed(pytester: pytest.Pytester) -> None:
    # A stand-in of that name: the test is about the choice.
    pytester.makepyfile(
        **{
            "nvflare/__init__": "",
            "nvflare/fuel/__init__": "",
            "nvflare/fuel/flare_api/__init__": "",
            "nvflare/fuel/flare_api/flare_api": """
            class Session:
                def close(self): pass
            def new_secure_session(username, startup_kit_location): return Session()
            """,
            "nvflare-2.5.2.dist-info/METADATA": "",
        }
    )
    (pytester.path / "nvflare-2.5.2.dist-info" / "METADATA.py").rename(
        pytester.path / "nvflare-2.5.2.dist-info" / "METADATA"
    )
    (pytester.path / "nvflare-2.5.2.dist-info" / "METADATA").write_text("Name: nvflare\nVersion: 2.5.2\n")
    pytester.syspathinsert()
    done = run(
        pytester,
        """
        def test_it(flare_server, flare_session):
            assert flare_server.release == "2.5"
            assert type(flare_session).__module__ == "nvflare.fuel.flare_api.flare_api"
        """,
        ini="flare_client = official",
    )
    done.assert_outcomes(passed=1)


@pytest.mark.parametrize("shared", ["false", "true"])
def test_it_works_under_xdist(pytester: pytest.Pytester, shared: str) -> None:
    done = run(
        pytester,
        """
        import pytest
        from jobs import job

        @pytest.mark.parametrize("number", range(6))
        def test_it(flare_server, flare_session, tmp_path, number):
            flare_session.submit_job(job(tmp_path))
            assert len(flare_session.list_jobs()) == 1
            assert number != 3
        """,
        "-n",
        "2",
        ini=f"flare_shared = {shared}",
    )
    done.assert_outcomes(passed=5, failed=1)
    done.stdout.fnmatch_lines(["*flare calls*", "submit_job * ok", "*flare transcript*"])


def test_a_suite_that_does_not_use_it_imports_nothing_of_it(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import sys

        def pytest_unconfigure():
            mine = [name for name in sys.modules if name.partition(".")[0] in
                    ("mock_server", "flare_client", "conformance", "cryptography", "pydantic", "websockets", "yaml")]
            print("imported:", sorted(mine))
        """
    )
    pytester.makepyfile("def test_nothing(): pass")
    # Plugins of others may import what this one needs, too.
    done = pytester.runpytest_subprocess("-p", "no:hypothesispytest", "-p", "no:cacheprovider")
    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(["imported: ['mock_server', 'mock_server.pytest_plugin']"])


def test_marks_and_fixtures_are_listed(pytester: pytest.Pytester) -> None:
    marks = pytester.runpytest_inprocess("--markers").stdout.str()
    assert "@pytest.mark.flare(release, " in marks
    assert "@pytest.mark.flare_releases(" in marks
    fixtures = pytester.runpytest_inprocess("--fixtures").stdout.str()
    for name in ("flare_server", "flare_kit", "flare_session", "flare_release"):
        assert f"\n{name} " in fixtures


def test_the_plugin_can_be_switched_off(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(flare_server): pass")
    done = pytester.runpytest_inprocess("-p", "no:flare_mock", "-p", "no:cacheprovider")
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*fixture 'flare_server' not found*"])


def test_everything_that_the_package_names_is_there() -> None:
    assert {name for name in mock_server.__all__ if getattr(mock_server, name, None) is None} == set()
    assert set(mock_server.__all__) <= set(dir(mock_server))
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        mock_server.Nothing  # noqa: B018 - looking is the test
    assert Path(sys.modules["mock_server"].__file__ or "").is_file()


def test_pytest_does_not_warn_of_packages_that_are_imported_before_it_starts(pytester: pytest.Pytester) -> None:
    # As in a run of contracts. pytest marks the packages of plugins so where they are installed, not linked.
    pytester.makeconftest(
        """
        def pytest_configure(config):
            import conformance, flare_client, mock_server
            config.pluginmanager.rewrite_hook.mark_rewrite("conformance", "flare_client", "mock_server")
        """
    )
    pytester.makepyfile("def test_nothing(): pass")
    done = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-W", "error")
    done.assert_outcomes(passed=1)


def test_the_seed_of_a_pedantic_server_is_in_the_report_of_a_failure(pytester: pytest.Pytester) -> None:
    done = run(
        pytester,
        """
        import pytest

        @pytest.mark.flare(release="2.6", pedantic=41)
        def test_it(flare_server):
            assert False
        """,
    )
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*flare pedantic*", "seed 41: pedantic=41"])


@pytest.mark.parametrize("lines", ["many", "-1", "1.5"])
def test_a_number_of_lines_that_is_none_is_said_before_any_test(pytester: pytest.Pytester, lines: str) -> None:
    done = run(pytester, "def test_it(): pass", ini=f"flare_transcript_lines = {lines}")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines([f"*flare_transcript_lines: expected a number from 0 on, but got '{lines}'"])


@pytest.mark.parametrize("sites", ["'hospital'", "['a', 'a']", "['a b']", "3", "None"])
def test_sites_that_are_none_are_said(pytester: pytest.Pytester, sites: str) -> None:
    done = run(
        pytester,
        f"""
        import pytest

        @pytest.mark.flare(sites={sites})
        def test_it(flare_server):
            pass
        """,
    )
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*flare: expected sites as a list of their names, but got *"])
