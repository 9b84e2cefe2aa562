"""What the tests of this folder build their tables from."""

import pyarrow as pa
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from themis.prompting.chat import Chat
from themis.records import SCHEMAS
from themis.vocabulary import CODE_CRITERIA

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="session")
def tokenizer_folder(tmp_path_factory):
    """A byte-level tokenizer: a token is a byte, so lengths can be counted by hand."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: at for at, token in enumerate(["<|im_start|>", "<|im_end|>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|im_start|>", eos_token="<|im_end|>", pad_token="<|im_end|>"
    )
    fast.chat_template = TEMPLATE
    folder = tmp_path_factory.mktemp("tokenizer")
    fast.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def chat(tokenizer_folder):
    return Chat.load(tokenizer_folder)


@pytest.fixture(scope="session")
def tables():
    """Builders of the input tables from a few fields per row."""
    return Tables


class Tables:
    """Rows with every column filled in; what matters to a test is given by name."""

    @staticmethod
    def accepted(rows):
        filled = [
            {
                **dict.fromkeys(SCHEMAS["labelled"].names, "x"),
                **dict.fromkeys(("old_mode", "new_mode"), 0o100644),
                **dict.fromkeys([criterion.value for criterion in CODE_CRITERIA], 0.5),
                "repositories": [row.get("repository", "owner/name")],
                "repository": "owner/name",
                "committed_at": 0,
                "kept": True,
                "language": "Python",
                "split": "train",
                "aspect": "functional_correctness",
                "path": row["id"],
                **row,
            }
            for row in rows
        ]
        return pa.Table.from_pylist(filled, SCHEMAS["labelled"])

    @staticmethod
    def instructions(texts):
        rows = [
            {"id": key, "writer": "w", "style": "s", "instruction": text, "text": text, "missing_reason": None}
            for key, text in texts.items()
        ]
        return pa.Table.from_pylist(rows, SCHEMAS["instructions"])

    @staticmethod
    def judgements(sides):
        """Two votes per pair, one in each order, both for the side given: chosen, rejected or tie."""
        rows = []
        for key, side in sides.items():
            for first in (True, False):
                for_a = 0.4 if side == "tie" else 0.7 if (side == "chosen") == first else 0.1
                votes = {"chosen_first": first, "probabilities": [for_a, 0.8 - for_a, 0.2]}
                names = {"id": key, "judge": "j", "criterion": "c", "sample": 0}
                rows.append(dict.fromkeys(SCHEMAS["judgements"].names) | names | votes)
        return pa.Table.from_pylist(rows, SCHEMAS["judgements"])

    @staticmethod
    def benchmark(rows):
        filled = [
            {"id": str(at), "aspect": "a", "language": "Python", "subset": "S", **row} for at, row in enumerate(rows)
        ]
        return pa.Table.from_pylist(filled, SCHEMAS["benchmark"])
