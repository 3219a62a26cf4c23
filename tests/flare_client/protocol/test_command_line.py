"""Words to a line and back."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client.protocol.command_line import join_words, split_line


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("list_jobs", ["list_jobs"]),
        ("list_jobs  -d   -r", ["list_jobs", "-d", "-r"]),
        (" list_jobs", ["", "list_jobs"]),
        ("", [""]),
        ("a\tb c", ["a\tb", "c"]),
        ("it's fine", ["it's", "fine"]),
        ('grep server "two words" log.txt', ["grep", "server", "two words", "log.txt"]),
        ("grep \"x\" 'y z'", ["grep", "x", "y z"]),
    ],
)
def test_a_line_is_split_as_official_servers_split_it(line: str, words: list[str]) -> None:
    assert split_line(line) == words


def test_an_open_quote_is_an_error_with_the_official_text() -> None:
    with pytest.raises(ValueError, match="^No closing quotation$"):
        split_line('ls "server')


def test_only_words_with_white_space_are_quoted() -> None:
    assert join_words(["submit_job", "my job", "a\tb", "plain"]) == 'submit_job "my job" "a\tb" plain'


_WORDS = st.text(string.ascii_letters + string.digits + "-_./@:+=", min_size=1, max_size=12)


@given(st.lists(_WORDS, min_size=1, max_size=6))
def test_plain_words_survive_the_line(words: list[str]) -> None:
    assert split_line(join_words(words)) == words


@given(st.lists(st.one_of(_WORDS, st.builds("{} {}".format, _WORDS, _WORDS)), min_size=1, max_size=6))
def test_words_with_blanks_survive_the_line(words: list[str]) -> None:
    assert split_line(join_words(words)) == words


@given(st.lists(_WORDS, min_size=1, max_size=6), st.integers(1, 4))
def test_how_many_blanks_stand_between_words_does_not_matter(words: list[str], blanks: int) -> None:
    assert split_line((" " * blanks).join(words)) == words
