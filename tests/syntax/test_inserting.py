"""Idle statements: a few lines more in a function, and all lines that were there."""

import re

import pytest

from tests.syntax.snippets import SNIPPETS
from themis.syntax.inserting import with_assertions, with_dead_code
from themis.syntax.parse import has_error
from themis.syntax.tokens import Refusal

BOTH = (with_dead_code, with_assertions)


@pytest.mark.parametrize("change", BOTH)
@pytest.mark.parametrize("language", SNIPPETS)
def test_lines_are_added_together_and_none_is_lost(change, language):
    code = SNIPPETS[language]
    for key in range(5):
        made = change(code, language, seed=1, key=str(key))
        assert not has_error(made, language)
        lines, old = made.splitlines(), code.splitlines()
        at = next(n for n, (new, line) in enumerate(zip(lines, old, strict=False)) if new != line)
        more = len(lines) - len(old)
        assert more > 0 and lines[:at] + lines[at + more :] == old
        low, high = map(int, re.search(r"(\d+) [<>] (\d+)", made).groups())
        assert low < high
        first = lines[at]
        assert len(first) - len(first.lstrip()) == len(old[at]) - len(old[at].lstrip())


@pytest.mark.parametrize("language", SNIPPETS)
def test_conditions_of_dead_code_are_false_and_assertions_true(language):
    dead = with_dead_code(SNIPPETS[language], language, seed=1, key="a")
    assert re.search(r"if \(?\d+ > \d+", dead)
    held = with_assertions(SNIPPETS[language], language, seed=1, key="a")
    assert re.search(r"if \d+ > \d+ \{\n\t\tpanic" if language == "Go" else r"\d+ < \d+", held)


def test_docstrings_and_directives_stay_first():
    python = with_dead_code('def f():\n    """Say."""\n    return 1\n', "Python", seed=1, key="a")
    assert python.startswith('def f():\n    """Say."""\n    if ')
    script = with_dead_code('function f() {\n  "use strict";\n  return 1;\n}\n', "JavaScript", seed=1, key="a")
    assert script.startswith('function f() {\n  "use strict";\n  if ')


def test_names_are_new_to_the_program():
    code = "def f(checked, extra, pending, spare, total_seen):\n    return checked\n"
    for key in range(10):
        name = re.search(r"(\w+) = ", with_dead_code(code, "Python", seed=1, key=str(key)))[1]
        assert name not in code


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("x = 1\n", "Python"),
        ("def f(a): return a\n", "Python"),
        ("class A { A(int x) {\n  super(x);\n} }", "Java"),
        ("constexpr int f(int a) {\n  return a;\n}\n", "C++"),
    ],
)
def test_without_a_function_that_can_take_them_they_are_refused(code, language):
    for change in BOTH:
        with pytest.raises(Refusal, match="no function"):
            change(code, language, seed=1, key="a")
