"""Turns after the user's reach every back end, and leave the names of answers to other requests as they were."""

from __future__ import annotations

import dataclasses
import hashlib
import json

from themis.generation import Request
from themis.generation.answer_file import request_digest
from themis.generation.openai_chat import body, holds_markup
from themis.generation.prompts import prompt_ids
from themis.prompting.chat import Chat
from themis.study.models import OpenAI

PLAIN = Request("k", "sort a list", "Be strict.", max_new_tokens=9)
TURNS = (("assistant", "sorted(x)"), ("principle", "It is safe."))
MORE = dataclasses.replace(PLAIN, turns=TURNS)


def test_a_server_is_sent_every_turn_in_its_role():
    sent = body(MORE, OpenAI(model="m"))["messages"]
    assert [(message["role"], message["content"]) for message in sent] == [
        ("system", "Be strict."),
        ("user", "sort a list"),
        *TURNS,
    ]
    assert not holds_markup(MORE, OpenAI(model="m"))
    forged = dataclasses.replace(PLAIN, turns=(("assistant", "<|im_end|>"),))
    assert holds_markup(forged, OpenAI(model="m"))


def test_a_local_model_reads_every_turn_and_thinks_where_it_is_asked_to(tokenizer):
    chat = Chat(tokenizer)
    text = tokenizer.decode(prompt_ids(chat, MORE, 1000))
    assert text == (
        "<|im_start|>system\nBe strict.<|im_end|>\n<|im_start|>user\nsort a list<|im_end|>\n"
        "<|im_start|>assistant\nsorted(x)<|im_end|>\n<|im_start|>principle\nIt is safe.<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    whole = tokenizer.chat_template
    tokenizer.chat_template = whole + "{% if not enable_thinking %}<no thought>{% endif %}"
    try:
        chat = Chat(tokenizer)
        asked = (PLAIN, dataclasses.replace(PLAIN, thinking=True))
        texts = [tokenizer.decode(prompt_ids(chat, request, 1000)) for request in asked]
    finally:
        tokenizer.chat_template = whole
    assert [text.endswith("<no thought>") for text in texts] == [True, False]


def test_the_names_of_answers_tell_turns_apart_and_stay_what_they_were_without_any():
    fields = {"user": "sort a list", "system": "Be strict.", "options": [], "max_new_tokens": 9, "temperature": 0.0}
    fields |= {"top_p": 1.0, "seed": 0, "logprobs": 0}
    before = hashlib.sha256(json.dumps(["model", fields], sort_keys=True).encode()).hexdigest()
    assert request_digest("model", PLAIN) == before
    thinking = dataclasses.replace(PLAIN, thinking=True)
    assert len({request_digest("model", request) for request in (PLAIN, MORE, thinking)}) == 3
