"""A faulty program is whole, differs from the sound one, and does not tell that it is faulty."""

from __future__ import annotations

import re

import pytest

from themis.generation import Completion
from themis.prompting.faults import bug_request, read_bug

CODE = "def mean(values):\n    # not a bug: empty lists have no mean\n    total = 0\n\n    for value in values:\n        total += value\n    return total / len(values)\n"
FAULTY = CODE.replace("+=", "-=")
REQUEST = bug_request("k", code=CODE, language="Python", max_new_tokens=99)
OPENING, CLOSING = re.findall(r"\[/?[A-Z]+ \d+\]", REQUEST.user)[-2:]


def read(content, language="Python", finish="stop", code=CODE, closing=CLOSING):
    text = f"I lose the sign.\n{OPENING}{content}{closing}"
    return read_bug(Completion("k", text=text, finish_reason=finish), code, language, REQUEST)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f"\n```python\n{FAULTY}```\n", FAULTY),
        (f"\n{FAULTY}", FAULTY),
        (f" {FAULTY}", FAULTY),
        (f"\n```\n  {FAULTY}```\n", f"  {FAULTY}"),  # indented as it is
        (f"\n```\n{FAULTY}\n", FAULTY),  # the block is not closed, the section is
        (f"\nFrom\n```\n+=\n```\nto\n~~~py\n{FAULTY}~~~\n", FAULTY),
        (f"\n```\n{CODE}```\n", "unchanged"),
        (f"\n{CODE.rstrip()}   \n\n\n", "unchanged"),
        (f"\n{CODE.replace('        total +=', '    total +=')}", CODE.replace("        total +=", "    total +=")),
        ("\n```\n```\n", "empty"),
        ("\n", "empty"),
        ("\ndef mean(values):\n    return 0\n", "far shorter"),
        (f"\n{FAULTY}# BUG\n", "tells of the fault"),
        (f"\n{FAULTY.replace('mean', 'mean_wrong')}", "tells of the fault"),
        (f"\n{FAULTY}# intentionally the other sign\n", "tells of the fault"),
        (f"\n{FAULTY}# debugger, default, faultless\n", f"{FAULTY}# debugger, default, faultless\n"),
    ],
)
def test_what_is_used_of_a_program(content, expected):
    reading = read(content)
    assert (reading.value or reading.why) == expected
    assert (reading.value is None) != (reading.why is None)


def test_space_matters_in_python_alone():
    code = "int f() {\n  return 1;\n}\n"
    assert read("\nint f() { return 1; }\n", "C", code=code).why == "unchanged"
    assert read("\nint f() { return 2; }\n", "C", code="int f() { return 1; }").value == "int f() { return 2; }\n"


def test_a_program_cut_by_its_length_is_none():
    assert read(f"\n```python\n{FAULTY}", finish="length", closing="").why == "cut off"
    assert read(f"\n```python\n{FAULTY}", closing="").value == FAULTY
    assert read_bug(Completion("k", missing_reason="prompt too long"), CODE, "Python").why == "prompt too long"
    with pytest.raises(ValueError, match="with the request"):
        read_bug(Completion("k", text=FAULTY), CODE, "Python")


def test_what_the_program_is_for_is_shown_where_it_is_known():
    asked = bug_request("k", code=CODE, language="Python", instruction="Average a list.", max_new_tokens=99)
    assert "Average a list." in asked.user
    assert "request" not in REQUEST.user
