"""A small ModernBERT from nothing: its tokenizer learnt from the corpus, its weights drawn from a seed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import ModernBertConfig, ModernBertForSequenceClassification, PreTrainedTokenizerFast

from themis.errors import Problem

_VOCABULARY = 4096
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


def small_tokenizer(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """A lower-case byte-pair tokenizer of at most 4,096 entries learnt from the texts."""
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY, min_frequency=2, special_tokens=list(_SPECIAL), limit_alphabet=256, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    pad, unknown, begin, end = _SPECIAL
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}", special_tokens=[(name, tokenizer.token_to_id(name)) for name in (begin, end)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=pad, unk_token=unknown, cls_token=begin, sep_token=end,
        model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip


def small_model(
    tokenizer: PreTrainedTokenizerFast, *, layers: int, width: int, max_tokens: int, seed: int
) -> ModernBertForSequenceClassification:
    """A ModernBERT of that shape with one logit; equal seeds give equal weights. Raises Problem for an odd width."""
    heads = next((heads for heads in range(max(1, width // 32), 0, -1) if width % (2 * heads) == 0), None)
    if heads is None:
        raise Problem(f"aspects.classifier.width: {width} is odd; rotary positions need an even width")
    config = ModernBertConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        max_position_embeddings=max_tokens,
        num_labels=1,
        classifier_pooling="mean",
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        cls_token_id=tokenizer.cls_token_id,
        sep_token_id=tokenizer.sep_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return ModernBertForSequenceClassification(config)
