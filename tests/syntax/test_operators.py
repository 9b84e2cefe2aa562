"""Every operator in every language that has what it changes: one change, which parses and can be undone."""

import pytest

from tests.syntax.programs import EXPECTED, PROGRAMS
from themis.syntax.mutate import OPERATORS, mutants, pick
from themis.syntax.parse import has_error

CASES = [(language, operator) for language, own in EXPECTED.items() for operator in own]


@pytest.fixture(scope="module")
def found():
    return {language: list(mutants(code, language)) for language, code in PROGRAMS.items()}


@pytest.mark.parametrize("language", PROGRAMS)
def test_the_programs_themselves_parse(language):
    assert not has_error(PROGRAMS[language], language)


@pytest.mark.parametrize(("language", "operator"), CASES)
def test_an_operator_makes_the_mutant_it_should(language, operator, found):
    wanted = EXPECTED[language][operator]
    assert wanted not in PROGRAMS[language]
    texts = [mutant.text for mutant in found[language] if mutant.operator == operator]
    assert any(wanted in text for text in texts), texts


def test_every_operator_is_seen_in_some_language_and_all_are_named(found):
    seen = {mutant.operator for some in found.values() for mutant in some}
    assert seen | {"boolean flip"} == set(OPERATORS)


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_mutant_parses_is_new_and_differs_in_one_span(language, found):
    source = PROGRAMS[language].encode()
    texts = [mutant.text for mutant in found[language]]
    assert len(set(texts)) == len({(mutant.operator, mutant.text) for mutant in found[language]})
    for mutant in found[language]:
        changed = mutant.text.encode()
        assert changed != source
        assert changed[: mutant.at] == source[: mutant.at]
        assert not has_error(mutant.text, language)
        tail = next(n for n in range(len(source), -1, -1) if changed.endswith(source[len(source) - n :]))
        assert mutant.at <= len(source) - tail + len(changed)  # what follows the change is the original again


@pytest.mark.parametrize("language", PROGRAMS)
def test_which_mutant_is_picked_depends_on_seed_and_key_alone(language):
    code = PROGRAMS[language]
    first = [pick(code, language, seed=1, key=str(key)) for key in range(60)]
    assert first == [pick(code, language, seed=1, key=str(key)) for key in range(60)]
    assert first != [pick(code, language, seed=2, key=str(key)) for key in range(60)]
    assert None not in first


def test_operators_are_picked_alike_often_however_many_places_they_have():
    code = "def f(a, b):\n" + "".join(f"    a = a + {n}\n" for n in range(2, 60)) + "    return a and b\n"
    picked = [pick(code, "Python", seed=3, key=str(key)).operator for key in range(300)]
    places = [mutant.operator for mutant in mutants(code, "Python")]
    assert places.count("logical swap") / len(places) < 0.01
    assert picked.count("logical swap") > 300 / (2 * len(set(places)))


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ('def f(a):\n    """Say it."""\n    log.info(a)\n    print(a)\n', "Python"),
        ("def f(a):\n    x = g(a)\n", "Python"),  # what later lines read would be missing
        ('function f(a) { console.log(a); }', "JavaScript"),
        ('class A { void f(int a) { log.warn("a"); } }', "Java"),
    ],
)  # fmt: skip
def test_what_only_tells_or_declares_is_no_statement_to_delete(code, language):
    assert "deleted statement" not in {mutant.operator for mutant in mutants(code, language)}


def test_changes_that_change_nothing_are_not_made():
    assert list(mutants("def f(a):\n    return g(a, a) if h else g(a, a)\n", "Python")) == [
        mutant for mutant in mutants("def f(a):\n    return g(a, a) if h else g(a, a)\n", "Python")
        if mutant.operator == "dropped return value"
    ]  # fmt: skip
    assert "arithmetic swap" not in {mutant.operator for mutant in mutants("x = a + 0\n", "Python")}
    assert "arithmetic swap" not in {mutant.operator for mutant in mutants('x = "a" + b\n', "Python")}


def test_a_variable_is_taken_for_one_of_its_own_type_that_is_there_already():
    code = "int f(int a, char *s, int b) { int r = a; int later = 1; return r + later; }"
    wrong = {mutant.text for mutant in mutants(code, "C") if mutant.operator == "wrong variable"}
    assert any("int r = b;" in text for text in wrong)
    assert not any("int r = s;" in text or "int r = later;" in text or "int r = r;" in text for text in wrong)


def test_a_tree_of_any_depth_and_a_long_function_are_walked():
    deep = "x = " + "(" * 3000 + "1" + ")" * 3000 + "\n"
    assert {mutant.operator for mutant in mutants(deep, "Python")} == {"off by one"}
    long = "def f(a, b):\n" + "".join(f"    v{n} = a + b\n" for n in range(3000)) + "    return a\n"
    assert pick(long, "Python", seed=1, key="x") is not None
