"""Terms are words: a list finds what it names and nothing that merely contains it."""

import pytest

from themis.aspects.terms import mask, matches, terms
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
def test_a_message_that_names_a_criterion_reaches_it(message, criterion):
    assert criterion in matches(message)
    assert criterion in matches(message.upper())


@pytest.mark.parametrize(
    "message",
    [
        "Update the source of the resource list",
        "Switch to sqlite",
        "Consolidate the hashing notes",
        "Bump to 1.2.3",
        "",
    ],
)
def test_words_that_merely_contain_a_term_reach_nothing(message):
    # In the published substring lists rce, sqli, solid and hash match all of these (protocol 1.2).
    assert matches(message) == frozenset()


def test_hyphen_underscore_and_space_are_the_same():
    assert len({matches(f"an off{gap}by{gap}one") for gap in ("-", "_", " ")}) == 1


@pytest.mark.parametrize("criterion", CODE_CRITERIA)
def test_lists_are_clean_and_every_term_is_found(criterion):
    listed = terms(criterion)
    assert 60 <= len(listed) <= 200
    assert list(listed) == sorted(set(listed))
    for term in listed:
        assert term == term.lower()
        assert criterion in matches(f"now {term.replace('*', 's')} here"), term


def test_masking_takes_the_terms_out_and_leaves_the_rest():
    masked = mask("Fix memory leak in the parser", C.MEMORY_EFFICIENCY)
    assert C.MEMORY_EFFICIENCY not in matches(masked)
    assert "in the parser" in masked
