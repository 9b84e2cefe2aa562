"""Which code a response gives, and which is too shallow to keep."""

import polars as pl
import pytest

from themis.errors import Problem
from themis.preferences.code import code_of, shallow
from themis.syntax.parse import depth
from themis.vocabulary import LANGUAGES

DEEP = "def f(x):\n    return x + 1\n"


@pytest.mark.parametrize(
    ("response", "language", "expected"),
    [
        (DEEP, "Python", [DEEP]),
        (f"Here:\n```python\n{DEEP}```\nDone.", "Python", [DEEP]),
        (f"Here:\n```\n{DEEP}```\n", "Python", [DEEP]),
        (f"```py\n{DEEP}```\nor\n~~~ Python title=x\n{DEEP}~~~\n", "Python", [DEEP, DEEP]),
        (f"```bash\npip install x\n```\n```python\n{DEEP}```", "Python", [DEEP]),
        (f"```python\n{DEEP}", "Python", [DEEP]),  # cut off by a limit of tokens
        (f"````python\n{DEEP}```\n````\n", "Python", [DEEP + "```\n"]),
        ("```bash\nls\n```\n", "Python", ["```bash\nls\n```\n"]),
        ("```c++\nint x;\n```\n", "C++", ["int x;\n"]),
        ("```cpp\nint x;\n```\n", "C++", ["int x;\n"]),
        ("```cs\nint x;\n```\n", "C#", ["int x;\n"]),
        ("print('```')\n", "Python", ["print('```')\n"]),  # not at the beginning of a line
        ("``` not a `fence`\nx\n", "Python", ["``` not a `fence`\nx\n"]),
    ],
)
def test_the_code_of_a_response(response, language, expected):
    assert code_of(response, language) == expected


def rows(*pairs):
    return pl.DataFrame(pairs, schema=["language", "chosen", "rejected"], orient="row")


def test_a_pair_goes_where_either_response_is_shallow():
    shown = rows(
        ("Python", DEEP, DEEP),
        ("Python", DEEP, "# only a comment\n"),
        ("Python", "", DEEP),
        ("Python", f"Do this:\n```python\n{DEEP}```\n", DEEP),
        ("Python", "A long reply. " * 40 + "\n```python\n# nothing\n```\n", DEEP),
        ("Python", f"```python\n# nothing\n```\nand\n```python\n{DEEP}```\n", DEEP),  # the deepest block counts
        ("NL", "Yes.", ""),
    )
    assert shallow(shown, 3).tolist() == [False, True, True, False, True, False, False]
    assert not shallow(shown, 0).any()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_can_be_shallow(language):
    comment = "# nothing\n" if language in ("Python", "Ruby") else "// nothing\n"
    assert shallow(rows((language, comment, comment)), 3).tolist() == [True]


def test_a_walk_that_is_deep_enough_ends_with_the_same_answer():
    for code in ("", "# x\n", "x\n", DEEP, "x = " + "(" * 20 + "1" + ")" * 20):
        levels = depth(code, "Python")
        assert [depth(code, "Python", enough) for enough in range(1, 30)] == [
            min(levels, enough) for enough in range(1, 30)
        ]


def test_an_unknown_language_is_named():
    with pytest.raises(Problem, match="Cobol is none of"):
        shallow(rows(("Cobol", "x", "x")), 3)
