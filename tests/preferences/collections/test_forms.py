"""Every public source of pairs: rows in its own columns become the pairs its recipe says, the others go for a reason."""

import pytest

from themis.preferences.collections.conversations import plain, question

KEPT = ("input", "chosen", "rejected", "language", "aspect")


def chat(*texts, system=None):
    turns = [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)]
    return [{"role": "system", "content": system}, *turns] if system else turns


def kept(collected):
    return sorted((tuple(row[name] for name in KEPT) for row in collected.rows), key=str)


def test_skywork(collect):
    found = collect(
        "skywork",
        [
            {"chosen": chat("q", "good"), "rejected": chat("q", "bad"), "source": "magpie_pro"},
            {"chosen": chat("h", "no"), "rejected": chat("h", "yes"), "source": "WildGuard"},
            {"chosen": chat("q", "a", "q2", "b"), "rejected": chat("q", "a", "q2", "c"), "source": "helpsteer2"},
            {"chosen": chat("q", "a"), "rejected": chat("other", "b"), "source": "offsetbias"},
            {"chosen": chat("q", "a"), "rejected": chat("q", " "), "source": "offsetbias"},
        ],
    )
    assert kept(found) == [("h", "no", "yes", "NL", "harmlessness"), ("q", "good", "bad", "NL", "helpfulness")]
    assert found.dropped == {
        "more than one turn": 1,
        "no response": 1,
        "the two sides have different prompts": 1,
    }


def test_tulu_if(collect):
    found = collect(
        "tulu_if", [{"chosen": chat("q", "a", system="Be brief."), "rejected": chat("q", "b", system="Be brief.")}]
    )
    assert kept(found) == [("Be brief.\n\nq", "a", "b", "NL", "helpfulness")]


def test_stack_exchange(collect):
    def answer(text, score, selected=False):
        return {"text": f"<p>{text}</p>", "pm_score": score, "selected": selected, "answer_id": 1}

    found = collect(
        "stack_exchange",
        [
            {
                "question": "<p>How &amp; why?</p>",
                "answers": [answer("best", 5), answer("worst", 1), answer("near", 4)],
            },
            {"question": "tied", "answers": [answer("a", 2), answer("b", 1)]},
            {"question": "alone", "answers": [answer("a", 2)]},
            {"question": "none", "answers": []},
            {"question": "selected", "answers": [answer("a", 3), answer("b", 3, True), answer("c", 0)]},
        ],
    )
    assert kept(found) == [
        ("How & why?", "best", "worst", "NL", "helpfulness"),
        ("selected", "b", "c", "NL", "helpfulness"),
    ]
    assert found.dropped == {"tie": 2, "no response": 1}


def test_arena(collect):
    def battle(winner, one="a", other="b", prompt="q", **fields):
        def told(text):
            part = {"type": "text", "text": text, "image": None}
            return [{"role": "user", "content": [{**part, "text": prompt}]}, {"role": "assistant", "content": [part]}]

        sides = {"conversation_a": told(one), "conversation_b": told(other)}
        return {"winner": winner, **sides, "language": "en", "is_code": False, **fields}

    image = battle("model_a")
    image["conversation_a"][0]["content"][0] = {"type": "image", "text": None}
    rows = [
        battle("model_a", prompt="one"), battle("model_b", prompt="two"), battle("tie"), battle("both_bad"),
        battle("model_a", language="de"), battle("model_a", is_code=True), image,
    ]  # fmt: skip
    found = collect("arena", rows)
    assert kept(found) == [("one", "a", "b", "NL", "helpfulness"), ("two", "b", "a", "NL", "helpfulness")]
    assert found.dropped == {"tie": 2, "not in the selection": 2, "not only text": 1}


def test_prometheus(collect):
    def row(preference, criteria="Is it clear?", prompt="q"):
        names = ("orig_instruction", "orig_response_A", "orig_response_B", "orig_preference", "orig_criteria")
        return dict(zip(names, (prompt, "a", "b", preference, criteria), strict=True))

    found = collect("prometheus", [row("A"), row("B", "Does it avoid harmful content?", "h"), row("C")])
    assert kept(found) == [("h", "b", "a", "NL", "harmlessness"), ("q", "a", "b", "NL", "helpfulness")]
    assert found.dropped == {"tie": 1}


def test_helpsteer3(collect):
    def row(score, domain="general", context=None, language="english"):
        given = {"context": context or chat(f"q{score}"), "response1": "one", "response2": "two"}
        return {**given, "domain": domain, "language": language, "overall_preference": score}

    rows = [row(-3), row(3, "stem"), row(2), row(-3, "code"), row(-3, language="french"), row(3, context=chat(*"abc"))]
    found = collect("helpsteer3", rows)
    assert kept(found) == [("q-3", "one", "two", "NL", "helpfulness"), ("q3", "two", "one", "NL", "helpfulness")]
    assert found.dropped == {"tie": 1, "not in the selection": 2, "more than one turn": 1}


def test_math_dpo(collect):
    def row(prompt, chosen, rejected):
        return {"instruction": prompt, "chosen_response": chosen, "rejected_response": rejected}

    found = collect("math_dpo", [row("1+1", "It is 2.", "one and one: 2"), row("1+2", "It is 3.", "It is 4.")])
    assert kept(found) == [("1+1", "It is 2.", "one and one: 2", "NL", "helpfulness")]
    assert found.dropped == {"another final answer": 1}


def test_truthy_dpo(collect):
    row = {"prompt": "Who?", "chosen": "I", "rejected": "You"}
    found = collect(
        "truthy_dpo", [{**row, "system": "A person."}, {**row, "system": ""}, {**row, "prompt": None, "system": ""}]
    )
    assert [one[0] for one in kept(found)] == ["A person.\n\nWho?", "Who?"]
    assert found.dropped == {"no prompt": 1}


def test_prosec(collect):
    def row(benign, lang="cpp", name="x"):
        return {
            "original_instruction": name,
            "fixed_code": "safe",
            "original_code": "unsafe",
            "lang": lang,
            "benign": benign,
        }

    found = collect("prosec", [row(False), row(True), row(False, "javascript", "y"), row(False, "cobol")])
    assert kept(found) == [
        ("x", "safe", "unsafe", "C++", "security_hardness"),
        ("y", "safe", "unsafe", "JavaScript", "security_hardness"),
    ]
    assert found.dropped == {"language is none of the eight": 1, "not in the selection": 1}


def test_venus(collect):
    def times(*costs):
        return [{"code": f"pass  # {cost}", "runtime": cost, "memory": cost} for cost in costs]

    rows = [
        {"question_content": "far", "rt_list": times("10 ms", 60), "mm_list": times(3, 4)},
        {"question_content": "near", "rt_list": times(1, 2), "mm_list": []},
        {"question_content": "both", "rt_list": times(1, 9), "mm_list": times(9, 1)},
    ]
    found = collect("venus", rows)
    assert kept(found) == [
        ("both", "pass  # 1", "pass  # 9", "Python", "memory_efficiency"),
        ("both", "pass  # 1", "pass  # 9", "Python", "runtime_efficiency"),
        ("far", "pass  # 10 ms", "pass  # 60", "Python", "runtime_efficiency"),
    ]
    assert found.dropped == {"no two solutions measured far enough apart": 1}


@pytest.mark.parametrize(
    ("name", "row", "language", "aspect"),
    [
        (
            "runbugrun",
            {"fixed_code": "good", "buggy_code": "bad", "language": "Python"},
            "Python",
            "functional_correctness",
        ),
        ("ecco", {"target": "good", "input": "bad"}, "Python", "runtime_efficiency"),
        ("pie4perf", {"tgt_code": "good", "src_code": "bad"}, "C++", "runtime_efficiency"),
    ],
)
def test_sources_that_state_no_problem_leave_the_prompt_open(collect, name, row, language, aspect):
    assert kept(collect(name, [row])) == [(None, "good", "bad", language, aspect)]


def test_codescaler(collect):
    rows = [
        {"question_content": f"q{share}", "code_pos": "good", "code_neg": "bad", "pass_rate_neg": share}
        for share in (0, 0.5, 0.8, 1, None)
    ]
    found = collect("codescaler", rows)
    assert kept(found) == [("q0.8", "good", "bad", "Python", "functional_correctness")]
    assert found.dropped == {"rejected does not pass most tests but not all": 4}


def test_cybernative(collect):
    row = {"question": "q", "chosen": "safe", "rejected": "unsafe"}
    found = collect("cybernative", [{**row, "lang": "c#"}, {**row, "lang": "kotlin"}, {**row, "lang": "c"}])
    assert kept(found) == [("q", "safe", "unsafe", "C#", "security_hardness")]
    assert found.dropped == {"not in the selection": 2}


def test_solutions_wait_for_their_faults(collect):
    def row(text, prompt="Write it"):
        return {"problem": prompt, "solution": text}

    rows = [
        row("Here:\n```python\nx = 1\n```\nDone."), row("```rust\nfn f() {}\n```"), row("no code"),
        row("```c\nint a;\n```\nand\n```c\nint b;\n```"),
    ]  # fmt: skip
    found = collect("oss_instruct", rows)
    assert kept(found) == [("Write it", "x = 1\n", "", "Python", "functional_correctness")]
    assert found.dropped == {"language is none of the eight": 1, "no program": 1, "several programs": 1}


def test_a_question_is_one_turn_of_text():
    assert question(chat("q"), answered=False) == ("q", "", None)
    assert question("already text", answered=False) == ("already text", "", None)
    assert question(chat("q", "a"), answered=False)[2] == "more than one turn"
    assert question(None, answered=True)[2] == question([{"role": "user"}], answered=True)[2] == "not only text"
    assert question(chat("q"), answered=True)[2] == "not only text"


def test_html_is_read_as_text():
    assert plain("<p>a &lt; b</p><pre><code>x = 1\n</code></pre><li>one") == "a < b\n\n\n```\nx = 1\n\n```\n\n- one"
