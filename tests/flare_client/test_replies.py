"""From a reply to an exception: the table of each release, with the official class and the class of the cause."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client import errors
from flare_client.protocol.envelope import Envelope, Item, ItemType, error, string, success
from flare_client.protocol.releases import PROFILES, profile_for
from flare_client.replies import check_reply
from tests.support import ALL_RELEASES, CELL_RELEASES

LINE = "list_jobs -d"

FROM_24 = ALL_RELEASES[1:]
FROM_25 = ALL_RELEASES[2:]
FROM_28 = ("2.8", "2.9")

# status, releases that map it, the class, the text for the info "X"
MAPPED: list[tuple[str, tuple[str, ...], type[Exception], str]] = [
    ("invalid_job_def", ALL_RELEASES, errors.InvalidJobDefinition, "invalid job definition: X"),
    ("not_authorized", ALL_RELEASES, errors.AuthorizationError, "user not authorized for the action 'list_jobs -d: X'"),
    ("not_authenticated", FROM_24, errors.AuthenticationError, "user not authenticated: X"),
    ("syntax_error", ("2.3",), errors.InternalError, "protocol error: X"),
    ("syntax_error", FROM_24, errors.InternalError, "syntax error: X"),
    ("invalid_job_id", ALL_RELEASES, errors.JobNotFound, "no such job: X"),
    ("job_running", ALL_RELEASES, errors.JobNotDone, "job X is still running"),
    ("job_not_running", FROM_24, errors.JobNotRunning, "job X is not running"),
    ("clients_running", FROM_24, errors.ClientsStillRunning, "one or more clients are still running"),
    ("no_clients", FROM_24, errors.NoClientsAvailable, "no clients available"),
    ("internal_error", FROM_24, errors.InternalError, "server internal error: X"),
    ("invalid_target", FROM_24, errors.InvalidTarget, "X"),
    ("no_reply", FROM_25, errors.NoReply, "X"),
    ("submit_token_conflict", FROM_28, errors.SubmitTokenConflict, "X"),
    ("submit_token_job_deleted", FROM_28, errors.SubmitTokenJobDeleted, "X"),
]

SPECIFIC = [(release, *row) for row in MAPPED for release in row[1]]
GENERIC = [
    (release, status)
    for status in {row[0] for row in MAPPED} | {"error", "no_jobs", "something new"}
    for release in ALL_RELEASES
    if not any(status == row[0] and release in row[1] for row in MAPPED)
]


def reply(*items: Item, **meta: object) -> Envelope:
    return Envelope(items or (success(),), meta)


def failure(release: str, envelope: Envelope | None, *, needs_meta: bool = True) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the callers look at class and text
        check_reply(LINE, envelope, profile_for(release), needs_meta=needs_meta)
    return caught.value


@pytest.mark.parametrize(
    ("release", "status", "releases", "expected", "text"), SPECIFIC, ids=[f"{row[0]}-{row[1]}" for row in SPECIFIC]
)
def test_a_meta_status_gives_the_official_class_and_text(
    release: str, status: str, releases: tuple[str, ...], expected: type[Exception], text: str
) -> None:
    problem = failure(release, reply(status=status, info="X"))
    assert type(problem) is expected
    assert str(problem) == text


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        (one, errors.NoClientsAvailable if one in CELL_RELEASES else errors.InvalidTarget)
        for one in ALL_RELEASES
        if one in FROM_24
    ],
)
def test_that_there_are_no_clients_has_a_class_of_its_own_from_2_7_on(release: str, expected: type[Exception]) -> None:
    problem = failure(release, reply(status="invalid_target", info="no clients available"))
    assert type(problem) is expected


@pytest.mark.parametrize("release", FROM_28)
def test_a_submit_token_that_cannot_be_used_names_its_job(release: str) -> None:
    conflict = failure(release, reply(status="submit_token_conflict", job_id="J"))
    assert isinstance(conflict, errors.SubmitTokenConflict)
    assert conflict.existing_job_id == "J"
    deleted = failure(
        release,
        reply(status="submit_token_job_deleted", job_id="J", submit_record_state="job_deleted", deleted_time="T"),
    )
    assert isinstance(deleted, errors.SubmitTokenJobDeleted)
    assert (deleted.job_id, deleted.state, deleted.deleted_time) == ("J", "job_deleted", "T")


@pytest.mark.parametrize(("release", "status"), sorted(GENERIC))
def test_a_status_that_the_release_does_not_map_is_an_internal_error(release: str, status: str) -> None:
    problem = failure(release, reply(status=status, info="X"))
    assert type(problem) is errors.InternalError
    assert str(problem) == (f"server internal error ({status}): X" if release == "2.3" else f"{status}: X")


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_an_expired_session_is_what_the_official_class_says_and_what_happened(release: str) -> None:
    """Official clients let the meta's ``error`` win over the item's ``session_inactive``."""
    envelope = reply(
        error("session_inactive"),
        string("user not authenticated or session timed out after 3600 seconds of inactivity - logged out"),
        status="error",
        info="session_inactive",
    )
    problem = failure(release, envelope)
    assert type(problem) is errors.SessionExpired
    assert isinstance(problem, errors.InternalError)
    assert isinstance(problem, errors.SessionClosed)
    assert str(problem) == (
        "server internal error (error): session_inactive" if release == "2.3" else "error: session_inactive"
    )


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_session_inactive_without_meta_means_session_closed(release: str) -> None:
    problem = failure(release, reply(error("session_inactive")))
    assert isinstance(problem, errors.SessionClosed)
    assert str(problem) == "the session is closed on server"


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_a_reply_without_envelope_is_a_connection_error(release: str) -> None:
    problem = failure(release, None)
    assert isinstance(problem, errors.MalformedReply)
    assert isinstance(problem, ConnectionError)
    assert "'list_jobs'" in str(problem)


@pytest.mark.parametrize("release", ALL_RELEASES)
@pytest.mark.parametrize("telltale", ["wrong server", "Failed to communicate with Admin Server"])
def test_words_about_the_connection_are_a_connection_error(release: str, telltale: str) -> None:
    problem = failure(release, reply(string(f"** {telltale} **")))
    assert isinstance(problem, ConnectionError)
    name = "APIStatus.ERROR_SERVER_CONNECTION" if sys.version_info >= (3, 11) else "ERROR_SERVER_CONNECTION"
    assert str(problem) == f"cannot connect to server: {name}"


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_not_authorized_in_the_text_is_an_authorization_error(release: str) -> None:
    problem = failure(release, reply(string("user 'a' is not authorized for 'ls'")))
    assert type(problem) is errors.AuthorizationError
    assert str(problem) == "user not authorized for the action 'list_jobs -d'"


@pytest.mark.parametrize("release", ALL_RELEASES)
@pytest.mark.parametrize("telltale", ["invalid client: x", "unknown site: x"])
def test_an_unknown_client_in_the_text_is_a_runtime_error(release: str, telltale: str) -> None:
    problem = failure(release, reply(string("first"), error(telltale), status="ok"))
    assert type(problem) is RuntimeError
    assert str(problem).startswith("runtime error encountered: ")
    assert str(problem).endswith(f"ERROR_INVALID_CLIENT: first\n{telltale}")


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_a_reply_without_items_is_a_runtime_error_even_with_a_good_meta(release: str) -> None:
    problem = failure(release, Envelope((), {"status": "ok"}))
    assert type(problem) is RuntimeError
    assert "ERROR_RUNTIME" in str(problem)


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_an_error_item_with_a_good_meta_is_a_success(release: str) -> None:
    envelope = reply(error("boom"), status="ok", info="")
    assert check_reply(LINE, envelope, profile_for(release)) == (envelope, {"status": "ok", "info": ""})


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_a_missing_meta_counts_only_where_one_is_needed(release: str) -> None:
    envelope = reply(string("text"))
    problem = failure(release, envelope)
    assert type(problem) is errors.InternalError
    assert str(problem) == "missing meta from result"
    assert check_reply(LINE, envelope, profile_for(release), needs_meta=False) == (envelope, {})


def test_a_meta_without_status_is_a_failure_in_release_23() -> None:
    problem = failure("2.3", reply(jobs=[]))
    assert type(problem) is errors.InternalError
    assert str(problem) == "server internal error (None): "


@pytest.mark.parametrize("release", FROM_24)
def test_a_meta_without_status_is_fine_from_release_24(release: str) -> None:
    assert check_reply(LINE, reply(jobs=[]), profile_for(release))[1] == {"jobs": []}


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_the_meta_comes_before_the_items(release: str) -> None:
    assert type(failure(release, reply(error("session_inactive"), status="job_running", info="X"))) is errors.JobNotDone


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_the_items_come_before_the_demand_for_a_meta(release: str) -> None:
    assert type(failure(release, reply(string("not authorized")))) is errors.AuthorizationError


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_a_missing_info_leaves_its_place_empty(release: str) -> None:
    assert str(failure(release, reply(status="job_running"))) == "job  is still running"


_TEXTS = st.one_of(
    st.text(max_size=20), st.sampled_from(["session_inactive", "not authorized", "unknown site", "wrong server"])
)
_ITEMS = st.one_of(
    st.builds(Item, st.sampled_from([kind for kind in ItemType if kind is not ItemType.TABLE]), _TEXTS),
    st.builds(lambda rows: Item(ItemType.TABLE, rows), st.lists(st.lists(_TEXTS, max_size=2), max_size=2)),
    st.builds(lambda text: Item(ItemType.DICT, {"k": text}), _TEXTS),
)
_METAS = st.fixed_dictionaries(
    {},
    optional={
        "status": st.one_of(
            st.sampled_from([row[0] for row in MAPPED]), st.just("ok"), st.none(), st.integers(), _TEXTS
        ),
        "info": st.one_of(_TEXTS, st.integers(), st.none(), st.lists(st.integers(), max_size=2)),
    },
)
_DECLARED = (
    errors.InternalError,
    errors.AuthenticationError,
    errors.AuthorizationError,
    errors.InvalidJobDefinition,
    errors.JobNotFound,
    errors.JobNotDone,
    errors.JobNotRunning,
    errors.ClientsStillRunning,
    errors.NoClientsAvailable,
    errors.InvalidTarget,
    errors.NoReply,
    errors.SessionClosed,
    errors.SubmitTokenConflict,
    errors.SubmitTokenJobDeleted,
    RuntimeError,
    ConnectionError,
)


@given(st.sampled_from(sorted(PROFILES)), st.lists(_ITEMS, max_size=4), _METAS, st.booleans())
def test_whatever_the_server_says_the_answer_is_a_result_or_a_declared_error(
    release: str, items: list[Item], meta: dict[str, object], needs_meta: bool
) -> None:
    envelope = Envelope(tuple(items), meta)
    try:
        result = check_reply(LINE, envelope, profile_for(release), needs_meta=needs_meta)
    except _DECLARED as problem:
        assert str(problem) or isinstance(problem, (errors.InvalidTarget, errors.NoReply))  # noqa: PT017 - either is fine
    else:
        assert result == (envelope, meta)
        assert meta.get("status", "ok") == "ok"
        assert meta or not needs_meta
