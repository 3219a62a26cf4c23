"""The tables of a state: one SQLite file, one process at a time, one transaction for all that is to be kept together.

Owns the schema, the lock and the words for a file that cannot be used. What is in the texts it does not know.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from mock_server.errors import ServerError

FORMAT = 1
"""The version of the tables; a state of another one is refused."""
APPLICATION_ID = 0x464C4D4B
"""What the header of the file says it is: ``FLMK``."""

_LOCK_SECONDS = 1.0
"""How long another process that is just ending may hold the file."""
_SCHEMA = (
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE plans (name TEXT PRIMARY KEY, plan TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE jobs (job_id TEXT PRIMARY KEY, record TEXT NOT NULL)",
    "CREATE TABLE submissions (study TEXT, name TEXT, org TEXT, role TEXT, token TEXT, job_id TEXT NOT NULL, "
    "content TEXT NOT NULL, deleted_time TEXT NOT NULL, PRIMARY KEY (study, name, org, role, token)) WITHOUT ROWID",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {FORMAT}",
)

SubmissionRow = tuple[str, str, str, str, str, str, str, str]
"""Study, name, organisation and role of the submitter, token; job, fingerprint, when it was deleted."""


class StateError(ServerError):
    """A state directory cannot be used; the text says what was expected and what came. Nothing in it was changed."""


class Locked(StateError):
    """Another server has the state."""


class Database:
    """An open file, that no other process opens meanwhile.

    Args:
        path: the file; it is made where it is missing.

    Raises:
        Locked: another process has it open, or another server of this one.
        StateError: it is no such file, or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._problems():
            # Made in one thread, used in another: never in two at a time.
            self._connection = sqlite3.connect(
                path, timeout=_LOCK_SECONDS, isolation_level=None, check_same_thread=False
            )
        try:
            with self._problems():
                self._open()
        except BaseException:
            self._connection.close()
            raise

    def _open(self) -> None:
        # The lock goes with the process, however that ends; and no other file is needed to share the log's index.
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._connection.execute("BEGIN IMMEDIATE")
        application, version = (
            self._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        if not self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            for statement in _SCHEMA:
                self._connection.execute(statement)
        elif application != APPLICATION_ID:
            raise StateError(f"expected the state of a mock server, but {self._path} is a database of something else")
        elif version != FORMAT:
            raise StateError(
                f"expected a state of format {FORMAT}, but {self._path} is of format {version}: "
                "use the flare-conformance that made it, or another directory"
            )
        self._connection.execute("COMMIT")
        self._connection.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing that it has written: the system has it. Only a machine that goes down may lose
        # the last transactions with NORMAL, never the file; FULL would wait for the disk at each command.
        self._connection.execute("PRAGMA synchronous = NORMAL")

    def close(self) -> None:
        """Let others have it. Closing twice is fine."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def read(self, query: str) -> list[tuple[str, ...]]:
        """All rows of a query.

        Raises:
            StateError: they cannot be read.
        """
        with self._problems():
            return self._connection.execute(query).fetchall()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written within is there in the end, or nothing of it.

        Raises:
            StateError: it cannot be written; nothing of it is there then.
        """
        with self._problems():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # SQLite rolls back by itself where it cannot go on
                    self._connection.execute("ROLLBACK")
                raise

    def put_facts(self, facts: Iterable[tuple[str, str]]) -> None:
        """Write facts, in place of those of the same name."""
        self._connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", facts)

    def put_plans(self, plans: Iterable[tuple[str, str]]) -> None:
        """Write plans that may be there already."""
        self._connection.executemany("INSERT OR IGNORE INTO plans VALUES (?, ?)", plans)

    def put_jobs(self, jobs: Iterable[tuple[str, str]]) -> None:
        """Write jobs, in place of those of the same id."""
        self._connection.executemany("INSERT OR REPLACE INTO jobs VALUES (?, ?)", jobs)

    def remove_jobs(self, job_ids: Iterable[str]) -> None:
        """Remove jobs."""
        self._connection.executemany("DELETE FROM jobs WHERE job_id = ?", ((one,) for one in job_ids))

    def put_submissions(self, rows: Iterable[SubmissionRow]) -> None:
        """Write submissions, in place of those with the same token."""
        self._connection.executemany("INSERT OR REPLACE INTO submissions VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def empty(self) -> None:
        """Remove all rows."""
        for table in ("facts", "plans", "jobs", "submissions"):
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - the names are those above

    @contextlib.contextmanager
    def _problems(self) -> Iterator[None]:
        """Say in our words what SQLite has to say."""
        try:
            yield
        except sqlite3.OperationalError as problem:
            if "locked" in str(problem):
                raise Locked(f"expected a state that no other server uses, but {self._path.parent} is in use") from None
            raise StateError(f"expected to read and write {self._path}, but {problem}") from problem
        except sqlite3.DatabaseError as problem:
            raise StateError(
                f"expected the state of a mock server in {self._path}, but it is damaged or something else "
                f"({problem}): it was left as it is; give another directory, or put back a copy"
            ) from problem
