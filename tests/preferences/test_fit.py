"""Whether a pair is too long is told by the exact number of tokens of the conversation, whatever the texts are."""

import itertools
import random

import numpy as np
import polars as pl
import pytest
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from themis.preferences.fit import Fit
from themis.prompting.chat import Chat, ForgedMarkup

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# Strips what it is given, and takes no system prompt.
TRIMMING = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no') }}{% endif %}"
    "[{{ m.role }}] {{ m.content | trim }}<|im_end|>{% endfor %}{% if add_generation_prompt %}[assistant] {% endif %}"
)
QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
ADVERSARIAL = [
    "", " ", "\n", "\n\n  x", "  lead", "trail  \n", "a", "'s", "'re it", "\r\n", "\t\tif x:\n\t\t\treturn", "é", "e\u0301" * 9, "𝔘𝔫𝔦", "\U0001d160" * 5,
    "नि\u0958", "日本語" * 7, "🧑‍🚀" * 4, "\u200d", "\x00", "<|im_start", "im_end|>", "<|", "assistant\n", "user", "a<|im_en", "0123456789" * 6,
    " " * 40, "\n" * 40, "def f(x):\n    return x + 1\n", "x" * 60, "%%%%====", "<think>\n\n</think>", "[assistant] ",
]  # fmt: skip

COMPOSED = "\u0344" * 9  # twice the bytes once it is composed, and no token was trained on them


def tokenizer(pre_tokenizer, decoder, template, normalizer=None):
    """A byte-pair tokenizer trained on the adversarial texts, so that many of their pieces merge."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer, raw.decoder = pre_tokenizer, decoder
    if normalizer:
        raw.normalizer = normalizer
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    raw.train_from_iterator([CHATML, *ADVERSARIAL * 3, "the reply is a function of its input\n" * 3], trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token=SPECIAL[2], pad_token=SPECIAL[0])
    fast.add_special_tokens({"additional_special_tokens": [SPECIAL[1]]})
    fast.chat_template = template
    return Chat(fast)


CHATS = {
    "gpt2": lambda: tokenizer(pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel(), CHATML),
    "qwen": lambda: tokenizer(
        pre_tokenizers.Sequence(
            [pre_tokenizers.Split(Regex(QWEN), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
        ),
        decoders.ByteLevel(), CHATML, normalizers.NFC(),
    ),
    "trimming": lambda: tokenizer(pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel(), TRIMMING),
    "one piece": lambda: tokenizer(pre_tokenizers.ByteLevel(False, use_regex=False), decoders.ByteLevel(), CHATML),
    "prefixed": lambda: tokenizer(pre_tokenizers.ByteLevel(add_prefix_space=True), decoders.ByteLevel(), CHATML),
    "metaspace": lambda: tokenizer(pre_tokenizers.Metaspace(), decoders.Metaspace(), CHATML),
}  # fmt: skip


@pytest.fixture(scope="module", params=CHATS)
def any_chat(request):
    return CHATS[request.param]()


def frame():
    source = random.Random(0)
    pieces = [*ADVERSARIAL, COMPOSED, *("".join(source.choices(ADVERSARIAL, k=3)) for _ in range(40))]
    responses = source.sample(list(itertools.product(pieces, repeat=2)), 60)
    systems = [None, "Judge it.", "Judge é."]
    rows = [(source.choice(systems), source.choice(pieces), *pair) for pair in responses]
    rows.append((None, "p", COMPOSED, "r"))
    return pl.DataFrame(rows, schema=dict.fromkeys(("system", "input", "chosen", "rejected"), pl.String), orient="row")


def test_the_number_of_tokens_is_that_of_the_conversation(any_chat):
    rows = frame()
    forged = Fit(any_chat, 1).forged(rows)
    rows = rows.filter(~pl.Series(forged))
    lengths = np.array(
        [
            max(len(any_chat.conversation(system, prompt, reply)) for reply in replies)
            for system, prompt, *replies in rows.iter_rows()
        ]
    )
    assert len(set(lengths)) > 10
    for most in sorted({length - short for length in lengths for short in (0, 1)}):
        assert (Fit(any_chat, most).too_long(rows) == (lengths > most)).all(), most


def test_forged_is_what_a_conversation_refuses(any_chat):
    texts = ["a<|im_end|>b", "<|im_start|>", "<|im_end", "|im_end|>", "<|endoftext|>", "plain", ""]
    rows = pl.DataFrame(
        [(system, *three) for system in (None, "s<|im_end|>") for three in itertools.product(texts, repeat=3)],
        schema=dict.fromkeys(("system", "input", "chosen", "rejected"), pl.String),
        orient="row",
    )

    def refused(system, prompt, *replies):
        try:
            for reply in replies:
                any_chat.conversation(system, prompt, reply)
        except ForgedMarkup:
            return True
        return False

    assert Fit(any_chat, 10).forged(rows).tolist() == [refused(*row) for row in rows.iter_rows()]


def test_what_surely_fits_is_not_encoded(monkeypatch):
    chat = CHATS["gpt2"]()
    fit, seen = Fit(chat, 4096), []
    encode = fit._encoded
    monkeypatch.setattr(fit, "_encoded", lambda texts: encode(seen.append(text) or text for text in texts))
    reply = "def f():\n    return 1\n" * 100
    rows = pl.DataFrame({"system": ["s"], "input": ["p"], "chosen": [reply], "rejected": [reply * 3]})
    assert not fit.too_long(rows).any()
    assert sum(map(len, seen)) < 3.2 * len(reply)  # the longer one alone


def test_truncation_that_a_tokenizer_file_asks_for_hides_no_length():
    chat = CHATS["gpt2"]()
    chat.tokenizer.backend_tokenizer.enable_truncation(5)
    rows = pl.DataFrame({"system": [None], "input": ["p"], "chosen": ["x 1 y " * 50], "rejected": ["x"]})
    assert Fit(chat, 100).too_long(rows.cast(pl.String)).tolist() == [True]
