"""The mask against cases written by hand: what a reader of the text expects to see, in several languages."""

import json
from pathlib import Path
from typing import TypedDict

import pytest

from omnibox.masking import Masked, mask, mask_counted, mask_html

HERE = Path(__file__).parent


class Vector(TypedDict):
    text: str
    masked: str
    found: int
    why: str


def load(name: str) -> list[Vector]:
    vectors: list[Vector] = json.loads((HERE / name).read_text())
    return vectors


# The first file is shared with the browser's mask (web/packages/shared); the second holds rules only the server knows.
PLAIN = [*load("vectors.json"), *load("server_vectors.json")]
HTML = load("html_vectors.json")


@pytest.mark.parametrize("vector", PLAIN, ids=lambda vector: vector["why"])
def test_a_text_is_masked_as_a_reader_expects(vector: Vector) -> None:
    masked, found = mask_counted(vector["text"])
    assert (masked, found) == (vector["masked"], vector["found"])
    assert mask(vector["text"]) == masked


@pytest.mark.parametrize("vector", PLAIN, ids=lambda vector: vector["why"])
def test_a_text_inside_a_sentence_is_masked_all_the_same(vector: Vector) -> None:
    before, after = "Hola, ¿qué tal? \n\n", "\n\n Gracias y un saludo. "
    assert mask(before + vector["text"] + after) == before + vector["masked"] + after


@pytest.mark.parametrize("vector", HTML, ids=lambda vector: vector["why"])
def test_html_is_masked_as_a_reader_expects(vector: Vector) -> None:
    masked = mask_html(vector["text"])
    assert masked == vector["masked"]
    assert mask_html(str(masked)) == masked


def test_there_are_enough_cases_and_none_twice() -> None:
    assert len(load("vectors.json")) >= 250
    assert len({vector["text"] for vector in PLAIN}) == len(PLAIN)
    assert len({vector["text"] for vector in HTML}) == len(HTML)


def test_masked_text_is_a_string_that_is_not_masked_again() -> None:
    masked = mask("hello")
    assert type(masked) is Masked
    assert mask(masked) is masked
    assert mask_html(masked) is masked
    assert type(mask("4111 1111 1111 1111")) is Masked
