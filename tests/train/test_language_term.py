"""The language-model loss is that of the reply alone, also where the template puts an empty thinking block before it."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from themis.prompting import packing
from themis.prompting.chat import Chat
from themis.train.model import RewardModel

# As Qwen3's: with thinking switched off the prompt ends in an empty block, and the last turn begins with one.
TEMPLATE = """\
{%- for message in messages -%}
{{ '<|im_start|>' + message.role + '\n' }}
{%- if message.role == 'assistant' and loop.last -%}
{{ '<think>\n' + (message.reasoning_content or '') + '\n</think>\n\n' }}
{%- endif -%}
{{ message.content + '<|im_end|>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ '<|im_start|>assistant\n' }}
{%- if enable_thinking is defined and enable_thinking is false -%}{{ '<think>\n\n</think>\n\n' }}{%- endif -%}
{%- endif -%}
"""
# One whose prompt is silent about it: there the block is the first thing that the model is to write.
SILENT = TEMPLATE.replace("enable_thinking is false", "enable_thinking is none")
BLOCK = "<think>\n\n</think>\n\n"
BEFORE = "<|im_start|>system\nBe fair.<|im_end|>\n<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
TEXTS = [("Write a", "ret aaa", "ret bb"), ("Write it again", "same, then x", "same, then much more")]


@pytest.fixture(params=[(TEMPLATE, True), (SILENT, False)], ids=["in_the_prompt", "in_the_reply"])
def base(request, tmp_path, make_base):
    """A base with the template, and whether the block belongs to the prompt."""
    from transformers import AutoTokenizer

    template, in_prompt = request.param
    folder = make_base(tmp_path / "base", "qwen3", tied=False)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    return folder, in_prompt


def _parts(in_prompt, text):
    """What the template writes before the chosen reply, and the reply, spelt out here."""
    before, reply = BEFORE.format(text[0]), text[1] + "<|im_end|>\n"
    return (before + BLOCK, reply) if in_prompt else (before, BLOCK + reply)


@pytest.mark.parametrize("shared", [True, False])
def test_the_positions_are_those_before_each_token_of_the_reply_and_no_other(base, shared):
    folder, in_prompt = base
    chat = Chat.load(folder)
    pairs = [packing.pack(chat, "Be fair.", *text) for text in TEXTS]
    if not shared:
        pairs = [packing.unshare(pair) for pair in pairs]
    batch = packing.collate(pairs)
    expected, start = [], 0
    for pair, text in zip(pairs, TEXTS, strict=True):
        before, reply = (chat.tokenizer.encode(part, add_special_tokens=False) for part in _parts(in_prompt, text))
        assert batch.input_ids[0, start : start + pair.chosen].tolist() == [*before, *reply]
        expected += range(start + len(before) - 1, start + len(before) + len(reply) - 1)
        start += len(pair)
    assert batch.completion.tolist() == expected
    labels = batch.input_ids[0, batch.completion + 1]
    assert chat.tokenizer.decode(labels) == "".join(_parts(in_prompt, text)[1] for text in TEXTS)


def test_the_loss_and_its_gradient_are_those_of_these_tokens(base):
    from transformers import AutoModelForCausalLM

    folder, in_prompt = base
    chat, lm = Chat.load(folder), AutoModelForCausalLM.from_pretrained(folder)
    embedding = lm.get_input_embeddings()
    embedding.padding_idx = None  # the end of every turn is the padding token, and is trained like any other
    torch.nn.init.normal_(embedding.weight)
    total = torch.zeros(())
    for text in TEXTS:
        before, reply = (chat.tokenizer.encode(part, add_special_tokens=False) for part in _parts(in_prompt, text))
        labels = torch.tensor([-100] * len(before) + reply)
        logits = lm(torch.tensor([[*before, *reply]])).logits[0]
        total = total + cross_entropy(logits[:-1], labels[1:], reduction="sum")
    wanted = torch.autograd.grad(total, list(lm.parameters()))

    model = RewardModel(lm)
    _, token_loss = model(packing.collate([packing.pack(chat, "Be fair.", *text) for text in TEXTS]))
    torch.testing.assert_close(token_loss, total, rtol=1e-5, atol=1e-5)
    for ours, theirs in zip(torch.autograd.grad(token_loss, list(lm.parameters())), wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
