"""An instruction or a problem is prose that does not give the code away; what is left out is said."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis.generation import Completion
from themis.prompting.instructing import instruction_request, read_instruction
from themis.prompting.leaks import quotes
from themis.prompting.recovering import problem_request, read_problem

OLD = "def total(prices):\n    result = 0\n    for price in prices:  # one after another\n        result += price\n    return result\n"
NEW = "def total(prices):\n    return sum(prices)  # of all, which are numbers and never None or text\n"
LINE = "return sum(prices)  # of all, which are numbers and never None or text"
SMALL = instruction_request("k", new=NEW, language="Python", style="chat_request", sees="new", max_new_tokens=48)
BOTH = instruction_request("k", old=OLD, new=NEW, language="Python", style="chat_request", max_new_tokens=48)
PROBLEM = problem_request("k", code=NEW, language="Python", max_new_tokens=48)


def marked(request, content):
    opening, closing = re.findall(r"\[/?[A-Z]+ \d+\]", request.user)[-2:]
    return f"Here it is.\n{opening}{content}{closing}"


@pytest.mark.parametrize(
    ("text", "cut", "expected"),
    [
        ("  Sort a list.  ", False, "Sort a list."),
        ("Sort a list.\nFast.\n\nHere is more.", False, "Sort a list. Fast."),
        ("Sort it. Then print it and", True, "Sort it."),
        ("Sort version 1.2 of it and", True, "Sort version 1.2 of it and"),
        ("Sort it. Then print\n\nThe rest is cu", True, "Sort it. Then print"),  # the cut is not in this paragraph
        ('He asks: "how?" And wha', True, 'He asks: "how?"'),
        ("```python\nx = 1\n```\nSort a list.", False, "Sort a list."),
        ("Sort a list like this:\n```\nsorted(x)\n```", False, "Sort a list like this:"),
        ("```\na\n```\nSort a list.\n```\nb\n```\n", False, "Sort a list."),
        ("```\nnever closed. really", True, None),
        ("````\n```\nx\n```\n````\nSay yes.", False, "Say yes."),
        ("<think>Let me see.</think>\n\nSort a list.", False, "Sort a list."),
        (" \n\n ", False, None),
        ("", False, None),
    ],
)
def test_where_the_new_code_alone_is_seen_the_first_paragraph_is_used(text, cut, expected):
    reading = read_instruction(Completion("k", text=text, finish_reason="length" if cut else "stop"), SMALL)
    assert reading.value == expected
    assert reading.why == (None if expected else "empty")


@pytest.mark.parametrize("text", ["C.", "// Connect", "When_scanning_by_type:"])
def test_one_word_is_no_instruction(text):
    assert read_instruction(Completion("k", text=text, finish_reason="stop"), SMALL).why == "too short"
    assert read_instruction(Completion("k", text=marked(BOTH, text), finish_reason="stop"), BOTH).why == "too short"
    assert read_instruction(Completion("k", text="配列を並べ替える", finish_reason="stop"), SMALL).value


def test_an_unfinished_thought_and_a_missing_reply_are_no_instruction():
    assert read_instruction(Completion("k", text="<think>Let me see. This"), SMALL).why == "unfinished thought"
    assert read_instruction(Completion("k", missing_reason="prompt too long"), SMALL).why == "prompt too long"


@pytest.mark.parametrize(
    ("content", "expected", "problem"),
    [
        (" Add up\n\nthe prices. ", "Add up\n\nthe prices.", "Add up\n\nthe prices."),
        (" \n ", "empty", "empty"),
        ("Write `total`.", "Write `total`.", "Write `total`."),
        ("Write it, e.g.\n```\n1 2\n```", "quotes the code", "Write it, e.g.\n```\n1 2\n```"),  # input of an example
        (f"Write what does `{LINE}`.", "quotes the code", "quotes the code"),
        (f"Write {LINE[:40]}.", f"Write {LINE[:40]}.", f"Write {LINE[:40]}."),  # a part of a line
    ],
)
def test_where_marks_are_asked_for_only_what_is_between_them_is_used(content, expected, problem):
    reading = read_instruction(Completion("k", text=marked(BOTH, content), finish_reason="stop"), BOTH)
    assert (reading.value or reading.why) == expected
    reading = read_problem(Completion("k", text=marked(PROBLEM, content), finish_reason="stop"), PROBLEM)
    assert (reading.value or reading.why) == problem
    assert read_problem(Completion("k", text="Add up the prices.", finish_reason="stop"), PROBLEM).why == "no answer"


@given(st.permutations([f"w{number}" for number in range(30)]), st.integers(0, 14), st.integers(10, 16))
def test_thirteen_words_in_a_row_are_a_quotation_however_they_are_set(code, start, count):
    taken = " ".join(code[start : start + count]).upper()
    assert quotes(f"Write what does {taken} and more.", "other", "(\n  " + ",\n".join(code)) == (count >= 13)
    assert not quotes(" ".join(reversed(code)), "\n".join(code))


def test_a_long_line_is_a_quotation_and_a_short_one_is_none():
    line = "x" * 40
    assert quotes(f"Write {line} now", f"a\n    {line}\nb")
    assert not quotes(f"Write {line[:-1]} now", f"a\n{line[:-1]}\nb")
    assert not quotes(f"Write {line} now", f"a{line}\nb")  # a part of a line
