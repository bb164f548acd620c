"""Text cut into words for the search: the short way for plain letters gives what the long one does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from omnibox.store.search.folding import LONGEST_WORD, words_of

PLAIN = st.text(st.characters(max_codepoint=127))


@given(PLAIN | PLAIN.map(lambda text: text * LONGEST_WORD))
def test_plain_text_has_the_same_words_as_beside_other_letters(text: str) -> None:
    assert [*words_of(text), "é"] == list(words_of(f"{text} é"))


def test_a_word_without_end_is_found_by_its_beginning() -> None:
    assert list(words_of("x" * 1000)) == list(words_of("x" * 1000 + " é"))[:1] == ["x" * LONGEST_WORD]
