"""Renaming: local names alone, every use of them, and a refusal where a use is not plain."""

import re

import pytest

from tests.syntax.snippets import SNIPPETS, TEXT
from themis.syntax.parse import has_error
from themis.syntax.renaming import local_names, obscured, restyled
from themis.syntax.tokens import Nothing

LOCAL = {
    "C": {"all_numbers", "how_many", "so_far", "text", "at_place"},
    "C#": {"soFar", "someText", "atPlace"},  # a caller may name parameters
    "C++": {"all_numbers", "so_far", "some_text", "one_number"},
    "Go": {"allNumbers", "soFar", "someText", "oneNumber"},
    "Java": {"allNumbers", "soFar", "someText", "oneNumber"},
    "JavaScript": {"allNumbers", "soFar", "someText", "oneNumber"},
    "Python": {"so_far", "some_text", "one_number"},  # here too
    "Ruby": {"all_numbers", "so_far", "some_text", "one_number"},
}
# Code in which the name x must stay: it is more, or other, than a variable of the function.
KEPT = {
    "an attribute and a keyword": ("Python", "def f(a):\n    y = a\n    return a.x(x=y)\n"),
    "a global": ("Python", "def f():\n    global x\n    x = 1\n"),
    "a default from outside": ("Python", "x = 1\ndef f(a=x):\n    x = 2\n    return x + a\n"),
    "a parameter that a caller may name": ("Python", "def f(x):\n    x = x + 1\n    return x\n"),
    "a name that is printed": ("Python", "def f():\n    x = 1\n    return f'{x=}'\n"),
    "a name that is looked up": ("Python", "def f():\n    x = 1\n    return eval('x')\n"),
    "a name of a class within": ("Python", "def f():\n    x = 1\n    class A:\n        x = 2\n    return A.x + x\n"),
    "an import": ("Python", "def f():\n    import x\n    x = x.y\n    return x\n"),
    "a capture of a pattern": ("Python", "def f(a):\n    match a:\n        case x:\n            return x\n"),
    "a global beyond a block": ("JavaScript", "function f(a) { if (a) { let x = 1; g(x); } return x; }"),
    "a global that a variable takes its value from": ("Go", "package p\n\nfunc f() int {\n\tx := x\n\treturn x\n}\n"),
    "a field in a literal": ("Go", "package p\n\nfunc f() T {\n\tx := 1\n\treturn T{x: x}\n}\n"),
    "a loop over a global": ("Go", "package p\n\nfunc f(a []int) {\n\tfor x = range a {\n\t\tg(x)\n\t}\n}\n"),
    "a shorthand of an object": ("JavaScript", "function f() { let x = 1; return { x }; }"),
    "a function that bears its name": ("JavaScript", "function f() { const x = function () {}; return x; }"),
    "an argument that is told by its name": ("JavaScript", "a.b(function ($s, x) { return $s + x; });"),
    "a field of the class": ("Java", "class A { int f() { for (int x = 0; x < 2; x++) { } return x; } }"),
    "an annotated parameter": ("Java", "class A { int f(@P int x) { return x; } }"),
    "a label": ("Java", "class A { void f() { int x = 1; x: while (true) { break x; } } }"),
    "a class within": ("Java", "class A { T f(int x) { return new T() { int x = 2; }; } }"),
    "a macro's word": ("C", "#define G(a) (a + x)\nint f(void) { int x = 1; return G(x); }"),
    "a field that a macro may be given": ("C", "struct s { int x; };\nint f(void) { int x = 1; return o(p, x); }"),
    "something from elsewhere": ("C", "int f(void) { extern int x; return x; }"),
    "a parameter of a declaration": ("C", "int f(void) { int g(int x); return g(x); }"),
    "a member of an anonymous type": ("C#", "class A { object F() { var x = 1; return new { x }; } }"),
    "a name asked for": ("C#", "class A { string F() { var x = 1; return nameof(x); } }"),
    "an element of a tuple": ("C#", "class A { object F() { var x = 1; return (x, 2); } }"),
    "a key that is a variable too": ("Ruby", "def f\n  x = 1\n  g(x:)\nend\n"),
    "a keyword parameter": ("Ruby", "def f(x:)\n  x = x + 1\n  x\nend\n"),
    "a method called before": ("Ruby", "def f\n  y = x\n  x = y\n  x\nend\n"),
    "a binding": ("Ruby", "def f\n  x = 1\n  binding\nend\n"),
}  # fmt: skip


@pytest.mark.parametrize("language", SNIPPETS)
def test_exactly_the_local_names_are_found_at_every_place(language):
    code = SNIPPETS[language]
    found = dict(local_names(code, language))
    assert found.keys() == LOCAL[language]
    for name, places in found.items():
        assert places == [hit.start() for hit in re.finditer(rf"\b{name}\b", code)]


@pytest.mark.parametrize("language", SNIPPETS)
def test_names_become_others_one_to_one_and_all_else_stays(language):
    code = SNIPPETS[language]
    made = obscured(code, language, seed=1, key="a")
    words, others = (re.findall(r"\w+|[^\w]", text) for text in (code, made))
    assert len(words) == len(others)
    pairs = {(old, new) for old, new in zip(words, others, strict=True) if old != new}
    assert {old for old, _ in pairs} == LOCAL[language]
    assert len({new for _, new in pairs}) == len(pairs) == len(LOCAL[language])
    assert not {new for _, new in pairs} & set(words)
    assert TEXT in made and not has_error(made, language)


@pytest.mark.parametrize("language", SNIPPETS)
def test_names_of_several_words_take_the_other_style(language):
    made = restyled(SNIPPETS[language], language)
    snake = language in ("C", "C++", "Python", "Ruby")
    assert ("soFar" if snake else "so_far") in made
    assert ("so_far" if snake else "soFar") not in made
    assert not has_error(made, language)


@pytest.mark.parametrize("what", KEPT)
def test_a_name_that_is_more_than_a_local_variable_stays(what):
    language, code = KEPT[what]
    assert not has_error(code, language)
    assert "x" not in dict(local_names(code, language))


def test_a_name_is_taken_only_if_the_program_does_not_have_it():
    code = "def f(a):\n    so_far = a\n    return so_far + soFar\n"
    with pytest.raises(Nothing):
        restyled(code, "Python")
    for key in range(20):
        made = obscured(
            "def f(a):\n    total = a + v1 + x1 + q1 + tmp1\n    return total\n", "Python", seed=1, key=str(key)
        )
        new = re.search(r"return (\w+)", made)[1]
        assert new not in {"v1", "x1", "q1", "tmp1", "total"}


def test_names_of_closures_and_strings_follow():
    code = "def f(a):\n    total = a\n    def g():\n        return f'{total} total'\n    return g\n"
    made = obscured(code, "Python", seed=1, key="a")
    assert " total'" in made and made.count("total") == 1


def test_which_names_are_given_depends_on_seed_and_key_alone():
    made = [obscured(SNIPPETS["C"], "C", seed=1, key=str(key)) for key in range(20)]
    assert made == [obscured(SNIPPETS["C"], "C", seed=1, key=str(key)) for key in range(20)]
    assert len(set(made)) > 3
