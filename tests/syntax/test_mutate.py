"""Mutants: one change each, of the kind named, and code that still parses."""

import ast

import pytest

from themis.errors import Problem
from themis.syntax.mutate import mutants, pick
from themis.syntax.parse import has_error

CODE = '''def f(a, b):
    """é: a < b and 1 == 2"""
    if a < 10 and b not in (0, 7):
        return a - b
    return True
'''
BRACES = "if (a < 1 && b == 2) {{ x = a + 3; }}"
OTHERS = {
    "C": f"int f(int a, int b) {{ int x = 0; {BRACES} return x; }}".replace("{{", "{").replace("}}", "}"),
    "C#": f"class A {{ int F(int a, int b) {{ {BRACES} return x; }} }}".replace("{{", "{").replace("}}", "}"),
    "C++": f"int f(int a, int b) {{ {BRACES} return x; }}".replace("{{", "{").replace("}}", "}"),
    "Go": "package p\n\nfunc f(a int, b int) int {\n\tif a < 1 && b == 2 {\n\t\tx = a + 3\n\t}\n\treturn x\n}\n",
    "Java": f"class A {{ int f(int a, int b) {{ {BRACES} return x; }} }}".replace("{{", "{").replace("}}", "}"),
    "JavaScript": f"function f(a, b) {{ {BRACES} return x; }}".replace("{{", "{").replace("}}", "}"),
    "Ruby": "def f(a, b)\n  if a < 1 && b == 2\n    x = a + 3\n  end\n  x\nend\n",
}


def test_what_does_not_parse_is_no_mutant(monkeypatch):
    assert list(mutants(CODE, "Python")) and pick(CODE, "Python", seed=1, key="a")
    monkeypatch.setattr("themis.syntax.mutate.has_error", lambda code, language: True)
    assert list(mutants(CODE, "Python")) == [] and pick(CODE, "Python", seed=1, key="a") is None


def test_python_mutants_are_exactly_the_expected_ones():
    expected = {
        ("negated condition", "if not (a < 10 and b not in (0, 7)):"),
        ("comparison swap", "if a <= 10 and b not in (0, 7):"),
        ("off by one", "if a < 9 and b not in (0, 7):"),
        ("off by one", "if a < 11 and b not in (0, 7):"),
        ("logical swap", "if a < 10 or b not in (0, 7):"),
        ("comparison swap", "if a < 10 and b in (0, 7):"),
        ("off by one", "if a < 10 and b not in (1, 7):"),
        ("off by one", "if a < 10 and b not in (0, 6):"),
        ("off by one", "if a < 10 and b not in (0, 8):"),
        ("arithmetic swap", "return a + b"),
        ("dropped return value", "return None"),
        ("boolean flip", "return False"),
        ("dropped condition", "if a < 10:"),
        ("dropped condition", "if b not in (0, 7):"),
        ("wrong variable", "if b < 10 and b not in (0, 7):"),
        ("wrong variable", "if a < 10 and a not in (0, 7):"),
        ("wrong variable", "return b - b"),
        ("wrong variable", "return a - a"),
    }
    found = list(mutants(CODE, "Python"))
    original = CODE.splitlines()
    changed = {
        (mutant.operator, new.strip())
        for mutant in found
        for old, new in zip(original, mutant.text.splitlines(), strict=True)
        if old != new
    }
    assert changed == expected
    assert len(found) == len(expected) + 1  # either return may lose its value
    for mutant in found:
        ast.parse(mutant.text)


def test_a_mutant_differs_in_one_short_span_that_begins_where_it_says():
    source = CODE.encode()
    for mutant in mutants(CODE, "Python"):
        text = mutant.text.encode()
        assert text != source
        assert text[: mutant.at] == source[: mutant.at]
        assert text.endswith(source[mutant.at + 30 :])


@pytest.mark.parametrize("language", OTHERS)
def test_other_languages_have_mutants_that_parse(language):
    found = list(mutants(OTHERS[language], language))
    operators = {mutant.operator for mutant in found}
    assert {"comparison swap", "logical swap", "arithmetic swap", "off by one", "negated condition"} <= operators
    assert any("a <= 1" in mutant.text for mutant in found)
    assert any("||" in mutant.text for mutant in found)
    assert len({mutant.text for mutant in found}) == len(found)
    assert not any(has_error(mutant.text, language) for mutant in found)


def test_nothing_before_the_start_is_changed():
    start = CODE.encode().index(b"    return True")
    kept = [mutant for mutant in mutants(CODE, "Python") if mutant.at >= start]
    assert list(mutants(CODE, "Python", start=start)) == kept
    assert {mutant.operator for mutant in kept} == {"boolean flip", "dropped return value"}


def test_strings_and_comments_are_left_alone():
    assert list(mutants('x = "1 < 2 and True"  # 3 + 4\n', "Python")) == []


def test_code_that_does_not_parse_has_no_mutants_and_text_is_refused():
    assert list(mutants("def f(:\n    return 1 + 1\n", "Python")) == []
    with pytest.raises(Problem):
        list(mutants("One and two.", "NL"))
