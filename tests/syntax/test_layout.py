"""Other layouts: the same tokens in the same order, strings and docstrings as they were."""

import ast
import re

import pytest

from tests.syntax.snippets import SNIPPETS, TEXT
from tests.syntax.test_comments import bare
from themis.syntax import layout
from themis.syntax.parse import has_error
from themis.syntax.tokens import Nothing, Refusal, same_program


@pytest.mark.parametrize("language", SNIPPETS)
def test_another_indentation_moves_lines_sideways_and_nothing_else(language):
    code = SNIPPETS[language]
    made = {layout.reindented(code, language, seed=1, key=str(key)) for key in range(30)}
    assert len(made) == 3  # of four units all but its own
    inside = {"   numbers. */", '        them up.  """'}  # a comment's and a string's own blanks
    for text in made:
        assert text != code
        assert [line.strip() for line in text.splitlines()] == [line.strip() for line in code.splitlines()]
        assert inside & set(code.splitlines()) <= set(text.splitlines())
        assert not has_error(text, language)


def test_python_in_another_indentation_is_the_same_to_python():
    for key in range(10):
        made = layout.reindented(SNIPPETS["Python"], "Python", seed=2, key=str(key))
        assert ast.dump(ast.parse(made)) == ast.dump(ast.parse(SNIPPETS["Python"]))


@pytest.mark.parametrize("language", SNIPPETS)
def test_a_minified_program_has_the_same_tokens_fewer_blanks_and_no_comments(language):
    code = SNIPPETS[language]
    made = layout.minified(code, language)
    assert bare(made, language) == bare(code, language)
    assert TEXT in made
    assert len(made) < len(code)
    assert (
        not re.search(r"\n\s*\n", made.replace(ast.get_docstring(ast.parse(code).body[0], clean=False), ""))
        if (language == "Python")
        else not re.search(r"\n\s*\n", made)
    )
    assert not has_error(made, language)
    assert same_program(code, made, language)


def test_lines_are_joined_only_where_their_ends_mean_nothing():
    assert layout.minified(SNIPPETS["Java"], "Java").count("\n") == 1
    assert layout.minified(SNIPPETS["C"], "C").splitlines()[:2] == ["#include <stdio.h>", "#define TWICE(x) ((x) * 2)"]
    assert layout.minified("a = [1,\n     2]\nb = a\n", "Python") == "a=[1,2]\nb=a\n"
    assert layout.minified("let a = 1\nlet b = 2\n", "JavaScript") == "let a=1\nlet b=2\n"


def test_operators_that_would_grow_together_stay_apart():
    made = layout.minified("int f(int a, int *b) {\n  return a - -1 + a / *b + - -a;\n}\n", "C")
    assert "- -" in made and "/ *" in made


def test_ruby_keeps_the_blanks_that_tell_calls_apart():
    code = "def f(x, y)\n  puts [1]\n  g -1\n  x ? y : 2\nend\n"
    made = layout.minified(code, "Ruby")
    assert "puts [1]" in made and "g -1" in made and "x ? y : 2" in made


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("def f\n  x = <<~T\n    a\n  T\n  x\nend\n", "Ruby"),
        ("def f(:\n    return 1\n", "Python"),
    ],
)
def test_what_blanks_mean_something_in_is_refused(code, language):
    with pytest.raises(Refusal):
        layout.reindented(code, language, seed=1, key="a")
    with pytest.raises(Refusal):
        layout.minified(code, language)


def test_markup_is_not_minified_and_flat_code_not_indented():
    with pytest.raises(Refusal, match="markup"):
        layout.minified("const a = <b>x {y} z</b>;\n", "JavaScript")
    with pytest.raises(Nothing):
        layout.reindented("x = 1\ny = 2\n", "Python", seed=1, key="a")


def test_programs_that_differ_in_a_string_or_docstring_are_not_the_same():
    assert not same_program("x = 'a b'\n", "x = 'a  b'\n", "Python")
    assert not same_program('def f():\n    """a\n    b"""\n', 'def f():\n    """a\n  b"""\n', "Python")
    assert not same_program('int f() { return g("a  b"); }\n', 'int f() { return g("a b"); }\n', "C")
    assert not same_program("if a:\n    b()\n    c()\n", "if a:\n    b()\nc()\n", "Python")
    tabs = "if a:\n        b()\n\tc()\n"  # as deep to an editor, an error to Python
    assert not same_program(tabs.replace("\t", " " * 8), tabs, "Python")
    assert same_program("int f(){return 1;}", "int f() {\n  return 1; // one\n}", "C")


def test_a_number_keeps_its_distance_from_a_dot():
    assert "1 .bit_length()" in layout.minified("def f():\n    x = 1 .bit_length()  +  2\n    return x\n", "Python")
