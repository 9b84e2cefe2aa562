"""Comments put in and taken out: the program stays the same, and what a compiler reads stays."""

import re

import pytest

from tests.syntax.snippets import SNIPPETS, TEXT
from themis.syntax import comments
from themis.syntax.parse import has_error
from themis.syntax.tokens import Nothing, Refusal, same_program

WORDINGS = {kind: [f"said of a {kind}", f"more of a {kind}"] for kind in ("loop", "branch", "return", "assignment")}


def bare(code, language):
    """The code without comments and blanks, by patterns instead of a tree."""
    marks = r"#[^\n]*" if language in ("Python", "Ruby") else r"/\*.*?\*/|//[^\n]*"
    kept = code.replace(TEXT, "\0")
    kept = re.sub(r"# frozen_string_literal", "frozen_string_literal", kept)
    return re.sub(r"\s+", "", re.sub(marks, "", kept, flags=re.DOTALL)).replace("\0", TEXT)


@pytest.mark.parametrize("language", SNIPPETS)
def test_a_comment_on_top_is_one_line_more_and_the_same_program(language):
    code = SNIPPETS[language]
    made = comments.headed(code, language, "One line.")
    new = [line for line in made.splitlines() if line not in code.splitlines()]
    assert new == ["# One line." if language in ("Python", "Ruby") else "// One line."]
    assert same_program(code, made, language)


def test_lines_that_must_come_first_do():
    shebang = "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\nx = 1\n"
    assert comments.headed(shebang, "Python", "Top.").splitlines()[2] == "# Top."
    assert comments.headed(SNIPPETS["Ruby"], "Ruby", "Top.").startswith("# frozen_string_literal: true\n# Top.\n")


@pytest.mark.parametrize("language", SNIPPETS)
def test_comments_above_statements_change_no_program_and_are_all_of_the_wordings(language):
    code = SNIPPETS[language]
    made = comments.explained(code, language, WORDINGS, 1.0, seed=3, key="a")
    assert bare(made, language) == bare(code, language)
    new = [line for line in made.splitlines() if line not in code.splitlines()]
    assert {line.strip().split(" ", 1)[1] for line in new} <= {text for some in WORDINGS.values() for text in some}
    assert {line.split(" of a ")[1] for line in new} == set(WORDINGS) - ({"loop"} if language == "Ruby" else set())
    for line in new:  # indented as the statement below it
        lines = made.splitlines()
        after = lines[lines.index(line) + 1]
        assert len(line) - len(line.lstrip()) == len(after) - len(after.lstrip())


def test_how_many_statements_get_one_follows_the_share_and_chance_alone():
    code = "def f(a):\n" + "".join(f"    x{n} = a\n" for n in range(400)) + "    return a\n"
    made = [comments.explained(code, "Python", WORDINGS, 0.25, seed=1, key=str(key)) for key in (1, 1, 2)]
    assert made[0] == made[1] != made[2]
    assert 60 < made[0].count("#") < 140
    assert comments.explained(code, "Python", WORDINGS, 0.0, seed=1, key="1").count("#") == 1


@pytest.mark.parametrize("language", SNIPPETS)
def test_all_comments_go_and_nothing_else(language):
    code = SNIPPETS[language]
    made = comments.without_comments(code, language)
    assert bare(made, language) == bare(code, language)
    assert TEXT in made
    for gone in ("the sum", "# each", "/* each", "Sums\n   numbers", "# Sums numbers"):
        assert gone not in made
    assert not has_error(made, language)


def test_comments_that_are_read_stay():
    assert "frozen_string_literal" in comments.without_comments(SNIPPETS["Ruby"], "Ruby")
    go = "//go:build linux\n\npackage p\n\n// gone\nvar x = 1\n"
    assert comments.without_comments(go, "Go") == "//go:build linux\n\npackage p\n\nvar x = 1\n"
    with pytest.raises(Refusal, match="compiled"):
        comments.without_comments('package p\n\n// #include <a.h>\nimport "C"\n', "Go")


def test_a_comment_over_two_lines_leaves_the_end_of_a_line_where_one_counts():
    code = "function f() {\n  let a = g() /*\n  */ ;\n  return a;\n}\n"
    assert re.search(r"g\(\) \n ;", comments.without_comments(code, "JavaScript"))
    assert "g()   ;" in comments.without_comments(code.replace("let", "int").replace("function", "int"), "C")


def test_what_cannot_be_commented_is_refused():
    with pytest.raises(Nothing):
        comments.without_comments("x = 1\n", "Python")
    with pytest.raises(Refusal, match="does not parse"):
        comments.without_comments("def f(:\n  # a\n", "Python")
    with pytest.raises(Refusal, match="no code"):
        comments.headed("Hello.", "NL", "a")
    with pytest.raises(Refusal, match="line of its own"):
        comments.explained("def f(a): return a\n", "Python", WORDINGS, 1.0, seed=1, key="a")


def test_a_statement_within_a_string_gets_no_comment():
    code = "function f(a) {\n  return `x ${(() => {\n    let b = 1;\n    return b;\n  })()}`;\n}\n"
    made = comments.explained(code, "JavaScript", WORDINGS, 1.0, seed=1, key="a")
    assert made.count("//") == 1
