"""Perplexity of prompts: how improbable a text is to a language model, by a KenLM file or by a small causal model."""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from themis.errors import Problem

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_KNOWN = 1 << 18  # perplexities remembered, of the prompts met last
_MOST_TOKENS = 1024  # of a prompt that a causal model reads, from its beginning
_WIDTH, _BATCH_TOKENS = 64, 1024  # prompts are padded to a multiple of the one, a batch has so many tokens
# Typographic signs as KenLM's public models have seen them (cc_net's normalisation); SentencePiece does the rest.
_SIGNS = str.maketrans(
    {**dict.fromkeys("“”„«»", '"'), **dict.fromkeys("‘’´", "'"), "–": "-", "—": " - ", "…": "..."}
    | dict.fromkeys("0123456789", "0")
)
_Measure = Callable[[Sequence[str]], Iterable[float]]


class Perplexity:
    """Perplexities of texts; those of texts met before are remembered, as many as a fixed memory holds."""

    def __init__(self, measure: _Measure) -> None:
        self._measure = measure
        self._known: OrderedDict[bytes, float] = OrderedDict()

    @classmethod
    def of(
        cls,
        *,
        kenlm: Path | None = None,
        sentencepiece: Path | None = None,
        language_model: Path | None = None,
        threads: int = 1,
    ) -> Perplexity | None:
        """The one of the model that is given: a KenLM file (with the SentencePiece model that cuts its texts), or a
        checkpoint folder; None where neither is. Raises Problem where a file is not what it should be."""
        if kenlm is not None:
            return cls(_by_kenlm(kenlm, sentencepiece))
        return None if language_model is None else cls(_by_causal_model(language_model, threads))

    def values(self, prompts: Sequence[str]) -> np.ndarray:
        """Perplexity of each prompt, float64 [N]; nan where it is too short to have one.

        It depends on the prompt alone, not on those beside it. Source: paper appendix B.3, filter 2.
        """
        keys = [hashlib.blake2b(prompt.encode("utf-8", "surrogatepass"), digest_size=16).digest() for prompt in prompts]
        new = {key: prompt for key, prompt in zip(keys, prompts, strict=True) if key not in self._known}
        found = dict(zip(new, self._measure(list(new.values())), strict=True))
        values = np.array([found[key] if key in found else self._known[key] for key in keys], np.float64)
        for key in keys:
            self._known[key] = found[key] if key in found else self._known[key]
            self._known.move_to_end(key)
        while len(self._known) > _KNOWN:
            self._known.popitem(last=False)
        return values


def _by_kenlm(path: Path, sentencepiece: Path | None) -> _Measure:
    """10 to the power of minus the mean log10 probability of a text's words and of its end."""
    import kenlm

    if not Path(path).is_file():
        raise Problem(f"{path}: no such file; give KenLM's ARPA text or binary form")
    try:
        model = kenlm.Model(str(path))
    except (OSError, RuntimeError) as error:
        raise Problem(f"{path}: not a KenLM model: {str(error).splitlines()[-1][:120]}") from None
    pieces = None if sentencepiece is None else _pieces(sentencepiece)

    def measure(texts: Sequence[str]) -> Iterator[float]:
        for text in texts:
            words = text.split() if pieces is None else pieces(text)
            yield 10.0 ** (-model.score(" ".join(words)) / (len(words) + 1))

    return measure


def _pieces(path: Path) -> Callable[[str], list[str]]:
    from sentencepiece import SentencePieceProcessor

    if not Path(path).is_file():
        raise Problem(f"{path}: no such file; give a SentencePiece model, or none for words")
    try:
        processor = SentencePieceProcessor(model_file=str(path))
    except (OSError, RuntimeError) as error:
        raise Problem(f"{path}: not a SentencePiece model: {str(error).splitlines()[0][:120]}") from None
    return lambda text: processor.encode(" ".join(text.split()).translate(_SIGNS), out_type=str)


def _by_causal_model(folder: Path, threads: int) -> _Measure:
    """e to the power of the mean negative log-likelihood of a text's tokens, given those before: of all where the tokenizer
    has a token that begins a text, else of all but the first."""
    import torch
    from transformers import AutoTokenizer

    from themis.generation.checkpoint import load_causal

    torch.set_num_threads(threads)
    model = load_causal(folder, "float32")
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    most = min(_MOST_TOKENS, getattr(model.config, "max_position_embeddings", None) or _MOST_TOKENS)
    begin = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]

    def measure(texts: Sequence[str]) -> list[float]:
        ids = [[*begin, *tokenizer(text, add_special_tokens=False)["input_ids"]][:most] for text in texts]
        values = [math.nan] * len(ids)
        for width, rows in _batches([len(row) for row in ids], most):
            for row, loss in zip(rows, _mean_losses(model, [ids[row] for row in rows], width), strict=True):
                values[row] = math.exp(loss)
        return values

    return measure


def _batches(lengths: Sequence[int], most: int) -> Iterator[tuple[int, list[int]]]:
    """Rows of at least two tokens, grouped by the width they are padded to, which is `most` at most."""
    widths: dict[int, list[int]] = {}
    for row, length in enumerate(lengths):
        if length > 1:
            widths.setdefault(min(-(-length // _WIDTH) * _WIDTH, most), []).append(row)
    for width, rows in sorted(widths.items()):
        size = _rows(width)
        for start in range(0, len(rows), size):
            yield width, rows[start : start + size]


def _rows(width: int) -> int:
    return max(1, _BATCH_TOKENS // width)


def _mean_losses(model: PreTrainedModel, ids: Sequence[Sequence[int]], width: int) -> list[float]:
    """Mean loss per row. Every batch of one width has one shape, so that rounding does not depend on its neighbours."""
    import torch
    from torch.nn.functional import cross_entropy

    tokens = torch.zeros((_rows(width), width), dtype=torch.int64)  # behind a row's end, where no token looks
    for row, one in enumerate(ids):
        tokens[row, : len(one)] = torch.tensor(one)
    means = []
    with torch.inference_mode():
        tokens = tokens.to(model.device)
        logits = model(input_ids=tokens, use_cache=False).logits
        for row, one in enumerate(ids):
            end = len(one)
            losses = cross_entropy(logits[row, : end - 1].float(), tokens[row, 1:end], reduction="none")
            means.append(float(losses.double().mean()))
    return means
