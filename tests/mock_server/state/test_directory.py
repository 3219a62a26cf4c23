"""State directories that cannot be used: each is an error with what was expected and what came, and stays as it is."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from mock_server.clock import ManualClock
from mock_server.jobs.store import DEFINITION_FILE
from mock_server.state import Owner, State, StateError
from mock_server.state.directory import DATABASE_FILE
from tests.mock_server.jobs.rig import LEAD
from tests.mock_server.jobs.uploads import FOLDER, definition
from tests.mock_server.state.rig import DurableRig

OWNER = Owner("2.6", "example_project", secure=True)


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """A state with a job in it, that nobody uses now."""
    rig = DurableRig(tmp_path)
    rig.submit()
    rig.state.close()
    return rig.state.root


def content(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def damage_job(root: Path) -> None:
    with contextlib.closing(sqlite3.connect(root / DATABASE_FILE)) as connection, connection:
        connection.execute("UPDATE jobs SET record = '{}'")


def damage_plan(root: Path) -> None:
    with contextlib.closing(sqlite3.connect(root / DATABASE_FILE)) as connection, connection:
        connection.execute("UPDATE plans SET plan = 'nothing'")


def lose_definition(root: Path) -> None:
    for path in (root / "run" / "jobs").iterdir():
        (path / DEFINITION_FILE).unlink()


def overwrite(root: Path) -> None:
    (root / DATABASE_FILE).write_bytes(b"this is no database" * 1000)


def cut(root: Path) -> None:
    path = root / DATABASE_FILE
    path.write_bytes(path.read_bytes()[:5000])


def be_of_a_later_format(root: Path) -> None:
    with contextlib.closing(sqlite3.connect(root / DATABASE_FILE)) as connection:
        connection.execute("PRAGMA user_version = 7")


def be_of_something_else(root: Path) -> None:
    (root / DATABASE_FILE).unlink()
    with contextlib.closing(sqlite3.connect(root / DATABASE_FILE)) as connection, connection:
        connection.execute("CREATE TABLE bookmarks (address TEXT)")


def lose_the_database(root: Path) -> None:
    (root / DATABASE_FILE).unlink()


def go_on(root: Path) -> None:
    with contextlib.closing(State(root, OWNER)) as state:
        assert len(state.ports) == 2
        state.load(root / "run" / "jobs", ManualClock().time)


def empty_the_database(root: Path) -> None:
    (root / DATABASE_FILE).write_bytes(b"")


def put_a_folder_in_its_place(root: Path) -> None:
    (root / DATABASE_FILE).unlink()
    (root / DATABASE_FILE).mkdir()


def fact(name: str, value: str) -> Callable[[Path], None]:
    def hurt(root: Path) -> None:
        with contextlib.closing(sqlite3.connect(root / DATABASE_FILE)) as connection, connection:
            connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    return hurt


@pytest.mark.parametrize(
    ("hurt", "text"),
    [
        (empty_the_database, "no state.sqlite3 with something in it"),
        (put_a_folder_in_its_place, "unable to open database file"),
        (fact("owner", "[]"), r"the fact 'owner': \[\] does not say whose it is"),
        (fact("ports", "[1]"), r"the fact 'ports': \[1\] are no two ports"),
        (fact("time", '"noon"'), "the fact 'time': 'noon' is no time"),
        (fact("sites", "{"), "the fact 'sites': Expecting"),
        (
            fact("sites", '{"connected": ["site-1"]}'),
            r"'sites': Input .* object at connected, but got \['site-1'\]",
        ),
        (fact("studies", "[]"), "the fact 'studies': Input should be an object, but got"),
        (fact("studies", '{"are_kept": true, "studies": [["a", {}]]}'), r"'studies': Field required at studies\.0\.2"),
        (fact("began", '"noon"'), "the fact 'began': Input should be a valid number, but got 'noon'"),
        (fact("submitted", '{"nightly": "2"}'), "'submitted': Input .* integer at nightly, but got '2'"),
        (fact("last job", "7"), "the fact 'last job': Input .* object, but got 7"),
        (fact("occurrences", "null"), "the fact 'occurrences': Input .* object, but got None"),
        (damage_job, "expected the record of job"),
        (damage_plan, "expected a whole state"),
        (lose_definition, "the definition of job"),
        (overwrite, "damaged or something else"),
        (cut, "expected"),
        (be_of_a_later_format, "expected a state of format 1, but .* is of format 7"),
        (be_of_something_else, "is a database of something else"),
        (lose_the_database, "to be empty or the state of a mock server"),
    ],
)
def test_what_is_no_whole_state_is_refused_and_left_as_it_is(
    used: Path, hurt: Callable[[Path], None], text: str
) -> None:
    hurt(used)
    before = content(used)
    with pytest.raises(StateError, match=text):
        go_on(used)
    after = content(used)
    after.pop("holder", None)
    before.pop("holder", None)
    assert after == before


@pytest.mark.parametrize(
    ("owner", "text"),
    [
        (Owner("2.5", "example_project", secure=True), "of a secure server of release 2.5.*that of .* release 2.6"),
        (Owner("2.6", "another", secure=True), "'another'.*'example_project'"),
        (Owner("2.6", "example_project", secure=False), "an insecure server.*a secure server"),
    ],
)
def test_the_state_of_another_server_is_refused(used: Path, owner: Owner, text: str) -> None:
    with pytest.raises(StateError, match=text):
        State(used, owner)
    State(used, OWNER).close()


def test_one_server_at_a_time(used: Path) -> None:
    with contextlib.closing(State(used, OWNER)), pytest.raises(StateError, match=r"in use by process \d+"):
        State(used, OWNER)
    State(used, OWNER).close()


def test_what_was_killed_before_it_began_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / DATABASE_FILE).touch()
    (tmp_path / f"{DATABASE_FILE}-journal").touch()
    with contextlib.closing(State(tmp_path, OWNER)) as state:
        assert state.time is None


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(StateError, match=r"thesis.tex.*nothing in it is lost"):
        State(tmp_path, OWNER)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_what_a_killed_process_left_half_is_removed(tmp_path: Path) -> None:
    rig = DurableRig(tmp_path)
    job = rig.submit()
    half = rig.jobs_root / ".incoming-abc"
    half.mkdir()
    (half / DEFINITION_FILE).write_bytes(b"half")
    (rig.jobs_root / ".workspace.zip.x").write_bytes(b"half")
    (rig.jobs_root / "nobody-was-told-of-it").mkdir()
    pki = rig.state.root / "pki"
    pki.mkdir()
    (pki / ".server.pem.x").write_bytes(b"half")
    rig.kill()
    assert [path.name for path in rig.jobs_root.iterdir()] == [job.job_id]
    assert list(pki.iterdir()) == []
    rig.state.close()


def test_what_cannot_be_written_is_an_error_and_is_written_the_next_time(tmp_path: Path) -> None:
    rig = DurableRig(tmp_path)
    rig.submit()
    database = rig.state._database
    pages = database.read("PRAGMA page_count")[0][0]
    database.read(f"PRAGMA max_page_count = {pages}")
    clones = [rig.engine.clone(next(rig.engine.jobs(reverse=False)), LEAD) for _ in range(20)]
    with pytest.raises(StateError, match="full"):
        rig.state.commit()
    database.read("PRAGMA max_page_count = 1000000")
    rig.state.commit()
    rig.kill()
    assert {job.job_id for job in rig.engine.jobs(reverse=False)} >= {clone.job_id for clone in clones}
    rig.state.close()


def test_a_replaced_job_is_the_old_one_until_the_new_one_is_kept(tmp_path: Path) -> None:
    """A definition may give its job the id of one that is there (from 2.4 on)."""
    rig = DurableRig(tmp_path)
    first = rig.submit(job_id="given", name="first")
    path = tmp_path / "again.zip"
    path.write_bytes(definition(job_id="given", name="second"))
    second = rig.engine.submit(path, FOLDER, LEAD)
    assert first.job_id == second.job_id == "given"
    assert second.folder != first.folder
    rig.kill()
    kept = list(rig.engine.jobs(reverse=False))
    assert [job.name for job in kept] == ["first"]
    assert kept[0].definition.is_file()
    assert len(list(rig.jobs_root.iterdir())) == 1
    rig.state.close()


def test_a_state_that_was_copied_is_a_state(used: Path, tmp_path: Path) -> None:
    shutil.copytree(used, tmp_path / "copy")
    with contextlib.closing(State(tmp_path / "copy", OWNER)) as state:
        kept = state.load(tmp_path / "copy" / "run" / "jobs", ManualClock().time)
    assert kept is not None
    assert len(kept.jobs) == 1
