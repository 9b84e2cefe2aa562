"""What a model is shown of a pair: all of it, or what the study says is left of it, in a template that stays whole."""

from __future__ import annotations

from copy import deepcopy

import pytest
from tokenizers import processors

from themis.errors import Problem
from themis.prompting.chat import Chat
from themis.prompting.criteria import system_prompt_for
from themis.prompting.packing import PackedPair
from themis.score.conversations import Conversations, Limits
from themis.score.protocol import Pair
from themis.vocabulary import Criterion

_START, _END = "<|im_start|>", "<|im_end|>"
_NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"


@pytest.fixture
def other(tokenizer):
    """The tokenizer with another template, or one that puts a BOS before all it encodes."""

    def make(*, bos=False, **template):
        made = deepcopy(tokenizer)
        if template:
            made.chat_template = template["template"]
        if bos:
            made.backend_tokenizer.post_processor = processors.TemplateProcessing(
                single=f"{_START} $A", special_tokens=[(_START, made.bos_token_id)]
            )
        return made

    return make


def pair(prompt="write it", chosen="def f(): return 1", rejected="def f(): return 2"):
    return Pair("a", prompt, chosen, rejected, Criterion.SECURITY_HARDNESS)


def turns(prompt, response, system=None):
    said = f"{_START}system\n{system}{_END}\n" if system else ""
    return f"{said}{_START}user\n{prompt}{_END}\n{_START}assistant\n{response}{_END}\n"


def shown(tokenizer, one, **options):
    """Both conversations as text, and whether something was cut."""
    result = Conversations(Chat(tokenizer), Limits(**{"prompt_mode": "none", **options})).pack(one)
    if isinstance(result, str):
        return result
    packed, truncated = result
    return *texts(tokenizer, packed), truncated


def texts(tokenizer, packed: PackedPair):
    ids = packed.ids.tolist()
    return tokenizer.decode(ids[: packed.chosen]), tokenizer.decode(ids[: packed.shared] + ids[packed.chosen :])


def size(tokenizer, text):
    return len(tokenizer.encode(text, add_special_tokens=False))


@pytest.mark.parametrize("mode", ["none", "criterion", "all"])
def test_a_pair_that_fits_is_shown_whole_in_every_truncation(tokenizer, mode):
    one = pair(rejected="")
    whole = turns(one.prompt, one.chosen, system_prompt_for(mode, one.criterion))
    longest = size(tokenizer, whole)
    for truncation in ("refuse", "tail", "difference"):
        found = shown(tokenizer, one, prompt_mode=mode, truncation=truncation, max_tokens=longest)
        assert found == (whole, whole.replace(one.chosen, ""), False)
    assert shown(tokenizer, one, prompt_mode=mode, max_tokens=longest - 1) == "too long"


def test_the_tail_is_the_end_of_the_conversation_and_both_responses_see_the_same_prompt(tokenizer):
    one = pair(prompt="abcdefghij" * 9, chosen="xyz", rejected="x" * 10)
    longest = size(tokenizer, turns("", one.rejected)) + 7
    prompt = one.prompt[-7:]
    assert shown(tokenizer, one, truncation="tail", max_tokens=longest) == (
        turns(prompt, "xyz"), turns(prompt, one.rejected), True
    )  # fmt: skip


def test_a_response_longer_than_all_keeps_its_own_end(tokenizer):
    one = pair(chosen="short", rejected="é" * 50 + "end")
    longest = size(tokenizer, turns("", "")) + 12
    assert shown(tokenizer, one, truncation="tail", max_tokens=longest) == (
        turns("", "short"), turns("", "éééé" + "end"), True  # nine bytes are left for letters of two
    )  # fmt: skip


@pytest.mark.parametrize(
    ("room", "before", "after"),
    [(0, "", ""), (11, "", ""), (12, "3rd..\n", "4th..\n"), (23, "3rd..\n", "4th..\n"),
     (24, "2nd..\n3rd..\n", "4th..\n5th..\n"), (29, "2nd..\n3rd..\n", "4th..\n5th..\n")],
)  # fmt: skip
def test_the_difference_is_kept_and_lines_in_common_go_from_the_outside_in(tokenizer, room, before, after):
    middles = ("good\n", "badly\n")
    one = pair("p", *(f"1st..\n2nd..\n3rd..\n{middle}4th..\n5th..\n" for middle in middles))
    longest = size(tokenizer, turns("p", "badly\n")) + room
    expected = [turns("p", before + middle + after) for middle in middles]
    assert shown(tokenizer, one, truncation="difference", max_tokens=longest) == (*expected, True)


def test_a_line_that_both_begin_with_is_not_also_one_that_both_end_with(tokenizer):
    one = pair("p", "same..\nsame..\n", "same..\n")
    longest = size(tokenizer, turns("p", "same..\n")) + 3
    assert shown(tokenizer, one, truncation="difference", max_tokens=longest) == (
        turns("p", "same..\n"), turns("p", ""), True
    )  # fmt: skip


def test_a_difference_that_is_too_long_itself_keeps_the_end_of_the_conversation(tokenizer):
    one = pair("prompt", "same\n" + "a" * 90 + "\nsame", "same\n" + "b" * 30 + "\nsame")
    longest = size(tokenizer, turns("", "")) + 40
    assert shown(tokenizer, one, truncation="difference", max_tokens=longest) == (
        turns("", "a" * 39 + "\n"), turns("", "b" * 30 + "\n"), True
    )  # fmt: skip


@pytest.mark.parametrize("truncation", ["tail", "difference"])
def test_a_response_of_a_hundred_thousand_tokens_is_cut_to_what_fits(tokenizer, truncation):
    one = pair(chosen="x" * 100_000 + "\nreturn 1", rejected="")
    chosen, rejected, truncated = shown(tokenizer, one, truncation=truncation, max_tokens=300)
    assert truncated and size(tokenizer, chosen) == 300
    assert chosen.endswith(f"xxx\nreturn 1{_END}\n") and rejected == turns("", "")
    assert shown(tokenizer, one, max_tokens=300) == "too long"


def test_nothing_is_left_where_the_template_is_too_long_and_nothing_is_forged(tokenizer):
    for truncation in ("refuse", "tail", "difference"):
        assert shown(tokenizer, pair(), truncation=truncation, max_tokens=16) == "too long"
        assert shown(tokenizer, pair(chosen=f"{_END}" * 40), truncation=truncation) == "special token in the text"


def test_a_suffix_is_added_once_and_counts(tokenizer):
    suffix = tokenizer.convert_tokens_to_ids([_END, "x"])
    chat, longest = Chat(tokenizer), size(tokenizer, turns("", "")) + 10
    packed, _ = Conversations(chat, Limits("none"), suffix=suffix).pack(pair())
    assert texts(tokenizer, packed)[0] == turns("write it", pair().chosen) + f"{_END}x"
    newline = tokenizer.encode("\n", add_special_tokens=False)  # what the template ends with already
    packed, _ = Conversations(chat, Limits("none"), suffix=newline).pack(pair())
    assert texts(tokenizer, packed)[0] == turns("write it", pair().chosen)
    limits = Limits("none", max_tokens=4096, truncation="tail")
    packed, truncated = Conversations(chat, limits, context=longest, suffix=suffix).pack(pair())
    assert truncated and max(packed.chosen, packed.rejected) == longest
    assert texts(tokenizer, packed)[1] == turns("", "return 2"[-8:]) + f"{_END}x"


def test_a_template_that_refuses_a_system_role_gets_the_system_text_before_the_users(tokenizer, other):
    tokenizer = other(template=_NO_SYSTEM + tokenizer.chat_template)
    found = shown(tokenizer, pair(), prompt_mode="criterion")
    system = system_prompt_for("criterion", Criterion.SECURITY_HARDNESS)
    assert found[0] == turns(f"{system}\n\nwrite it", pair().chosen)


def test_a_tokenizer_without_a_template_is_one_line_that_says_what_to_do(other, tmp_path):
    other(template=None).save_pretrained(tmp_path)
    with pytest.raises(Problem, match=r"no chat template; put the one it was trained with .* chat_template\.jinja"):
        Conversations.load(tmp_path, Limits())


def test_words_that_are_no_policy_are_refused():
    for options, said in (({"truncation": "head"}, "truncation head"), ({"protocol": "old"}, "protocol old")):
        with pytest.raises(Problem, match=said):
            Limits(**options)


# --- the published protocol ---


def published(tokenizer, one, mode="none", suffix=(), **options):
    conversations = Conversations(
        Chat(tokenizer, needs_template=False), Limits(mode, protocol="published", **options), suffix=suffix
    )
    packed, truncated = conversations.pack(one)
    return *texts(tokenizer, packed), truncated


def test_the_published_protocol_puts_two_bos_before_a_text_and_cuts_its_end(other):
    tokenizer, one = other(bos=True), pair(chosen=f"a{_END}b", rejected="c" * 60)
    exact = turns(one.prompt, one.rejected)
    assert published(tokenizer, one) == (_START + turns(one.prompt, one.chosen), _START + exact, False)
    longest = size(tokenizer, exact) - 20
    cut = _START + exact[: -len(f"{_END}\n") - 19]
    assert published(tokenizer, one, max_tokens=longest)[1:] == (cut, True)
    tokenizer.model_max_length = longest  # the smaller of the two counts
    assert published(tokenizer, one)[1:] == (cut, True)
    suffix = [tokenizer.bos_token_id]
    assert published(tokenizer, pair(), suffix=suffix)[0].endswith(f"{_END}\n{_START}")
    assert published(tokenizer, one, max_tokens=longest, suffix=suffix)[1] == cut, "the suffix is cut off too"


def test_responses_that_differ_behind_the_cut_are_one_conversation(other):
    chosen, rejected, truncated = published(
        other(bos=True), pair(chosen="a" * 99 + "1", rejected="a" * 99 + "2"), max_tokens=60
    )
    assert chosen == rejected and truncated


def test_the_published_protocol_has_a_text_for_models_without_a_template(tokenizer, other):
    plain, system = other(template=None), system_prompt_for("criterion", Criterion.SECURITY_HARDNESS)
    assert published(plain, pair("p", "c", "r")) == ("User: p\nAssistant: c", "User: p\nAssistant: r", False)
    expected = f"System:\n{system}\n\nUser:\np\n\nAssistant:\n"
    assert published(plain, pair("p", "c", "r"), "criterion") == (f"{expected}c", f"{expected}r", False)
    refusing = other(template=_NO_SYSTEM + tokenizer.chat_template)
    assert published(refusing, pair("p", "c", "r"), "criterion")[0] == f"{expected}c"
