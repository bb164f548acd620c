"""The search index: derived from the stored, masked rows, thrown away and made again whenever that is simpler."""

from omnibox.store.search.embedded import EmbeddedIndex
from omnibox.store.search.folding import fold
from omnibox.store.search.index import MODES, Document, Hit, Index, Mode, Stretch, indexed_words
from omnibox.store.search.postgres import PostgresIndex
from omnibox.store.search.queries import LONGEST, Query, Term, parse
from omnibox.store.search.schema import is_index_table, state


def index_of(is_embedded: bool) -> Index:
    """The index of this kind of database."""
    return EmbeddedIndex() if is_embedded else PostgresIndex()


__all__ = [
    "LONGEST",
    "MODES",
    "Document",
    "Hit",
    "Index",
    "Mode",
    "Query",
    "Stretch",
    "Term",
    "fold",
    "index_of",
    "indexed_words",
    "is_index_table",
    "parse",
    "state",
]
