"""Rows of the preference benchmarks with rules of their own: RewardBench 1 and 2, JudgeBench and RM-Bench.

None of them names a criterion: code is about correctness, refusals about harmlessness, the rest about helpfulness.
"""

from __future__ import annotations

from collections.abc import Iterator

from themis.errors import Problem
from themis.preferences.benchmarks.candidate import Candidate, cell_id, text_in, texts_in
from themis.preferences.collections.pair import NO_RESPONSE, language_named
from themis.preferences.collections.reading import Row
from themis.vocabulary import FILE_LANGUAGES, NATURAL_LANGUAGE, Criterion

_SAFETY = ("refusals-", "xstest-", "donotanswer", "safety")
_STYLES = 3
_LABELS = ("A>B", "B>A")
_KEYS = {language.key: name for name, language in FILE_LANGUAGES.items()}


def rewardbench(row: Row, _: str) -> Iterator[Candidate]:
    """One pair a row; `hep-LANGUAGE` are the subsets of code (Lambert et al. 2024)."""
    subset = text_in(row, "subset")
    code = subset.removeprefix("hep-") if subset.startswith("hep-") else None
    yield Candidate(
        text_in(row, "prompt"),
        text_in(row, "chosen"),
        text_in(row, "rejected"),
        _criterion(subset, code),
        _language(code),
        subset,
        f"{subset}/{row['id']}",
    )


def rewardbench2(row: Row, _: str) -> Iterator[Candidate]:
    """The right response against each wrong one (Malik et al. 2025).

    Of Ties, whose rule needs every response's score, as few pairs as show each; its rows `ref:N` and `tied:N` are about
    one question, and are sampled together.
    """
    subset = text_in(row, "subset")
    name = f"{subset}/{row['id']}"
    chosen, rejected = texts_in(row, "chosen"), texts_in(row, "rejected")
    if not (chosen and rejected):
        yield Candidate(subset=subset, reason=NO_RESPONSE)
        return
    ties = subset.casefold() == "ties"
    cells = (
        [(at % len(chosen), at % len(rejected)) for at in range(max(len(chosen), len(rejected)))]
        if ties
        else [(i, j) for i in range(len(chosen)) for j in range(len(rejected))]
    )
    for i, j in cells:
        yield Candidate(
            text_in(row, "prompt"),
            chosen[i],
            rejected[j],
            _criterion(subset, None),
            NATURAL_LANGUAGE,
            subset,
            cell_id(name, i, j),
            f"{subset}:{name.partition(':')[2]}" if ties else name,
        )


def judgebench(row: Row, _: str) -> Iterator[Candidate]:
    """The response its label prefers against the other (Tan et al. 2024); ids begin with the model that wrote both."""
    label, source = text_in(row, "label"), text_in(row, "source")
    if label not in _LABELS:
        yield Candidate(subset=source, reason="no preference")
        return
    first, second = text_in(row, "response_A"), text_in(row, "response_B")
    code = "python" if source == "livecodebench" else None
    yield Candidate(
        text_in(row, "question"),
        first if label == "A>B" else second,
        second if label == "A>B" else first,
        _criterion(source, code),
        _language(code),
        source,
        f"{text_in(row, 'response_model')}/{text_in(row, 'pair_id')}".lstrip("/"),
    )


def rmbench(row: Row, file: str) -> Iterator[Candidate]:
    """Every style of the chosen response against every one of the rejected: nine pairs (Liu et al. 2024).

    Styles are concise, detailed, and detailed with markdown. The domain is a column of the whole data set, and the name
    of the file where each has its own.
    """
    domain = text_in(row, "domain") or file.removesuffix("_filtered")
    chosen, rejected = texts_in(row, "chosen"), texts_in(row, "rejected")
    if (len(chosen), len(rejected)) != (_STYLES, _STYLES):
        raise Problem(
            f"row {row['id']} has {len(chosen)} chosen and {len(rejected)} rejected responses, not three each"
        )
    code = text_in(row, "language") or None
    name = f"{domain}/{row['id']}"
    aspect = _criterion(domain, "code" if domain == "code" else None)
    for i in range(_STYLES):
        for j in range(_STYLES):
            yield Candidate(
                text_in(row, "prompt"),
                chosen[i],
                rejected[j],
                aspect,
                _language(code),
                domain,
                cell_id(name, i, j),
                name,
            )


def _criterion(subset: str, code: str | None) -> str:
    if code:
        return Criterion.FUNCTIONAL_CORRECTNESS.value
    harmless = subset.casefold().startswith(_SAFETY)
    return (Criterion.HARMLESSNESS if harmless else Criterion.HELPFULNESS).value


def _language(code: str | None) -> str:
    """Our name of a language of code, be it one of the eight or not; prose where there is none."""
    return NATURAL_LANGUAGE if code is None else language_named(code) or _KEYS.get(code.casefold()) or code
