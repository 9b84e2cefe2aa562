"""Syntax trees: depth, errors, all eight languages."""

import pytest

from themis.errors import Problem
from themis.syntax.parse import depth, has_error, parse
from themis.vocabulary import LANGUAGES

WHOLE = {
    "C": "int add(int a, int b) { return a + b; }\n",
    "C#": "class A { int Add(int a, int b) { return a + b; } }\n",
    "C++": "template <class T> T add(T a, T b) { return a + b; }\n",
    "Go": "package a\n\nfunc add(a int, b int) int { return a + b }\n",
    "Java": "class A { int add(int a, int b) { return a + b; } }\n",
    "JavaScript": "const add = (a, b) => a + b;\n",
    "Python": "def add(a, b):\n    return a + b\n",
    "Ruby": "def add(a, b)\n  a + b\nend\n",
}


def levels(node):
    return 1 + max((levels(child) for child in node.children), default=0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_parses_its_own_code_and_finds_an_error_in_half_of_it(language):
    code = WHOLE[language]
    assert has_error(code, language) is False
    assert depth(code, language) == levels(parse(code, language).root_node) >= 4
    assert has_error(code[: code.rindex("b") - 3] + " ((", language) is True


def test_depth_counts_levels():
    assert [depth(code, "Python") for code in ("", "# a comment\n", "x\n")] == [1, 2, 3]


def test_depth_survives_nesting_far_beyond_the_recursion_limit():
    shallow = depth("x = (1)\n", "Python")
    assert depth("x = " + "(" * 20_001 + "1" + ")" * 20_001 + "\n", "Python") == shallow + 20_000


def test_natural_language_has_no_tree():
    assert (parse("Hello.", "NL"), depth("Hello.", "NL"), has_error("Hello.", "NL")) == (None, None, None)


def test_a_language_without_grammar_is_named():
    with pytest.raises(Problem, match="Cobol"):
        depth("x", "Cobol")
