"""Terms are words: a list finds what it names and nothing that merely contains it."""

import re

import pytest

from themis.aspects.terms import excluded, mask, matches, near, terms
from themis.vocabulary import CODE_CRITERIA, Criterion

C = Criterion


@pytest.mark.parametrize(
    ("message", "criterion"),
    [
        ("Fix off-by-one error in page count", C.FUNCTIONAL_CORRECTNESS),
        ("fix a crash on empty input", C.FUNCTIONAL_CORRECTNESS),
        ("Speed up lookup", C.RUNTIME_EFFICIENCY),
        ("fix memory leak in reader", C.MEMORY_EFFICIENCY),
        ("Prevent SQL injection in search", C.SECURITY_HARDNESS),
        ("guard against path_traversal", C.SECURITY_HARDNESS),
        ("Refactor nested conditionals for readability", C.READABILITY_MAINTAINABILITY),
    ],
)
def test_a_message_that_names_a_criterion_reaches_it_and_no_other(message, criterion):
    assert matches(message) == matches(message.upper()) == {criterion}


@pytest.mark.parametrize(
    "message",
    [
        "Update the source of the resource list",
        "Switch to sqlite",
        "Consolidate the hashing notes",
        "Bump to 1.2.3",
        "Add a test for the heap buffer overflow",
        "",
    ],
)
def test_words_that_merely_contain_a_term_reach_nothing(message):
    # In the published substring lists rce, sqli, solid and hash match all of these (protocol 1.2).
    assert matches(message) == frozenset()


def test_hyphen_underscore_and_space_are_the_same():
    assert len({matches(f"an off{gap}by{gap}one") for gap in ("-", "_", " ")}) == 1


def test_a_weak_term_counts_in_the_first_line_where_no_list_has_another():
    assert matches("Fix the parser") == {C.FUNCTIONAL_CORRECTNESS}
    assert matches("Fix a memory leak in the parser") == {C.MEMORY_EFFICIENCY}
    assert matches("Update the parser\n\nThis will fix it.") == frozenset()


def test_the_rest_of_a_message_counts_where_the_first_line_has_no_term():
    assert matches("Update the parser\n\nIt had a memory leak.") == {C.MEMORY_EFFICIENCY}
    assert matches("Speed up the parser\n\nIt had a memory leak.") == {C.RUNTIME_EFFICIENCY}
    assert matches("Fix the parser\n\nIt had a memory leak.") == {C.MEMORY_EFFICIENCY}
    # Documentation is mentioned in passing: the first line's weak term goes before it.
    assert matches("Fix the parser\n\nThe documentation said so.") == {C.FUNCTIONAL_CORRECTNESS}
    assert matches("Update the parser\n\nThe documentation said so.") == {C.READABILITY_MAINTAINABILITY}


@pytest.mark.parametrize("criterion", CODE_CRITERIA)
def test_lists_are_clean_and_every_term_is_found(criterion):
    listed = terms(criterion)
    assert 60 <= len(listed) <= 250
    assert list(listed) == sorted(set(listed))
    for term in listed:
        assert term == term.lower()
        assert criterion in matches(f"now {term.removeprefix('?').replace('*', 's')} here"), term


def test_excluded_phrases_reach_nothing_and_a_dotted_one_covers_its_line():
    assert list(excluded()) == sorted(set(excluded()))
    for phrase in excluded():
        assert matches(phrase.removesuffix("...").replace("*", "s")) == frozenset(), phrase
    assert matches("Add a test for a memory leak\n\nand remove a deadlock") == {C.FUNCTIONAL_CORRECTNESS}


@pytest.mark.parametrize("criterion", CODE_CRITERIA)
def test_no_term_is_a_longer_form_of_another(criterion):
    def found_by(term, text):
        words = [re.escape(word).replace(r"\*", "[a-z0-9]*") for word in re.split(r"[\s_-]+", term)]
        return re.search(rf"(?<![a-z0-9]){' '.join(words)}(?![a-z0-9])", text)

    listed = [term for term in terms(criterion) if "* " not in term and not term.startswith("?")]
    for term in listed:
        text = " ".join(re.split(r"[\s_-]+", term)).replace("*", "xy")
        assert [other for other in listed if found_by(other, text)] == [term]


def test_masking_takes_the_terms_out_and_leaves_the_rest():
    masked = mask("İ: Fix Memory-Leak in the Parser", C.MEMORY_EFFICIENCY)
    assert " ".join(masked.split()) == "İ: Fix in the Parser"
    assert "Parser" in mask("Fix the Parser", C.FUNCTIONAL_CORRECTNESS)
    assert "ix" not in mask("Fix the Parser", C.FUNCTIONAL_CORRECTNESS)
    excluded_phrase = "Add a test for a memory leak"
    assert mask(excluded_phrase, C.MEMORY_EFFICIENCY) == excluded_phrase


def test_masking_leaves_no_term_even_where_the_rest_closes_up_to_one():
    message = "memory memory leak leak in the reader"
    assert C.MEMORY_EFFICIENCY not in matches(mask(message, C.MEMORY_EFFICIENCY))
    assert mask(message, C.MEMORY_EFFICIENCY).split()[-3:] == ["in", "the", "reader"]


def test_a_near_miss_has_a_word_of_the_list_in_another_sense():
    message = "Name the Buffer after its owner"
    assert near(message, C.MEMORY_EFFICIENCY) and C.MEMORY_EFFICIENCY not in matches(message)
    assert not near("Bump to 1.2.3", C.MEMORY_EFFICIENCY)
