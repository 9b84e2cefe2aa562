"""Table 1: how many pairs the benchmark has by criterion, subset and language, beside the paper's counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import polars as pl

from themis.analysis.accuracy import label, ordered_groups
from themis.analysis.paper_benchmark import BENCHMARK, SUBSETS, benchmark_name, ours, pairs_of, published
from themis.analysis.paper_blocks import CELLS, DAGGER, QUOTED, RECOMPUTED, Block, PaperTable, cells_of, laid_out
from themis.analysis.printed import printed_table
from themis.vocabulary import PUBLISHED_ASPECTS

TOTAL = "Total"
_ROWS = "Criterion and subset"

_Counts = Mapping[tuple[str, str, str], int]  # pairs by criterion, subset and language, all in the published spelling
_ASPECTS = {str(criterion): theirs for theirs, criterion in PUBLISHED_ASPECTS.items()}


def composition_table(scores: pl.DataFrame, mismatch: str | None) -> PaperTable:
    """Table 1. Below each criterion's total its subsets, in the paper's order. On the paper's benchmark (`mismatch` is
    None) counts are the scores', and a printed count that differs stands beside them."""
    counted, paper = _counted(scores), _printed()
    columns = list(dict.fromkeys(language for _, _, language in paper))
    if mismatch is None:
        blocks = [Block("", _cells(counted, paper, columns, BENCHMARK))]
    else:
        extra = {language for _, _, language in counted} - set(columns)
        columns += ordered_groups(extra)
        name = benchmark_name(scores)
        blocks = [
            Block(f"This study, on {name}: n = {sum(counted.values()):,}", _cells(counted, None, columns, name)),
            Block(f"The paper's {BENCHMARK}, as printed", _cells(None, paper, columns, BENCHMARK)),
        ]
    shown = laid_out(blocks, [*columns, TOTAL], _ROWS, sized=False)
    shown = shown.with_columns(pl.col(_ROWS).map_elements(lambda row: label(ours(row)), return_dtype=pl.String))
    title = "Composition of the benchmark: pairs by criterion, subset and language"
    return PaperTable("1", title, cells_of(blocks), shown, _notes(mismatch, paper))


def _counted(scores: pl.DataFrame) -> _Counts:
    """Counts of the pairs in the scores; criteria in the paper's order, then the vocabulary's."""
    pairs = pairs_of(scores).group_by(published("aspect"), "subset", published("language")).len()
    known = {(aspect, subset, language): n for aspect, subset, language, n in pairs.iter_rows()}
    criteria = list(dict.fromkeys(_ASPECTS[criterion] for criterion, _ in SUBSETS.values()))
    criteria += ordered_groups({aspect for aspect, _, _ in known} - set(criteria))
    subsets = list(SUBSETS)

    def place(key: tuple[str, str, str]) -> tuple[int, int, str, str]:
        aspect, subset, language = key
        return criteria.index(aspect), subsets.index(subset) if subset in subsets else len(subsets), subset, language

    return {key: known[key] for key in sorted(known, key=place)}


def _printed() -> _Counts:
    return {
        (_ASPECTS[SUBSETS[subset][0]], subset, language): int(count)
        for subset, language, count in printed_table("1").select("row", "column", "printed").iter_rows()
    }


def _cells(counted: _Counts | None, paper: _Counts | None, columns: Sequence[str], benchmark: str) -> pl.DataFrame:
    """Cells of every criterion, its subsets, and all; the scores' counts where there are, else the paper's."""
    counts, source = (paper, QUOTED) if counted is None else (counted, RECOMPUTED)
    within = Counter(subset for _, subset in {(aspect, subset) for aspect, subset, _ in counts})
    cells = []
    for aspect, subset in _rows(counts):
        for column in (*columns, TOTAL):
            value = sum(n for key, n in counts.items() if _belongs(key, aspect, subset, column))
            papers = (paper or {}).get((aspect, subset, column))  # the paper prints no totals
            text = f"{value:,}"
            if source == QUOTED:
                text += DAGGER
            elif papers not in (None, value):
                text += f" (printed {papers:,})"
            n = value if source == RECOMPUTED else None
            shared = subset and within[subset] > 1  # a subset of several criteria has a row in each
            name = f"{subset}, {label(ours(aspect))}" if shared else subset or aspect or TOTAL
            cells.append((name, "", column, value, source, papers, n, benchmark, text))
    return pl.DataFrame(cells, schema={**CELLS, "text": pl.String}, orient="row", strict=False)


def _rows(counts: _Counts) -> list[tuple[str | None, str | None]]:
    """(criterion, None) for its total, (criterion, subset), and (None, None) for all pairs."""
    rows: dict[tuple[str | None, str | None], None] = {}
    for aspect, subset, _ in counts:
        rows[aspect, None] = None
        rows[aspect, subset] = None
    return [*rows, (None, None)]


def _belongs(key: tuple[str, str, str], aspect: str | None, subset: str | None, column: str) -> bool:
    return aspect in (None, key[0]) and subset in (None, key[1]) and column in (TOTAL, key[2])


def _notes(mismatch: str | None, paper: _Counts) -> list[str]:
    found = {subset: n for subset, (_, n) in SUBSETS.items()}
    summed = {subset: sum(n for key, n in paper.items() if key[1] == subset) for subset in found}
    wrong = [f"{subset} ({summed[subset]:,} printed, {n:,} held)" for subset, n in found.items() if summed[subset] != n]
    notes = [
        f"The printed counts add up to {sum(summed.values()):,} pairs; the published score files hold "
        f"{sum(found.values()):,}. They differ in {' and '.join(wrong)}."
    ]
    if mismatch is None:
        return ["Counts are those of the scores; a printed count that differs stands beside them.", *notes]
    return [
        f"{DAGGER} Quoted: the count the paper prints, or a sum of such counts, because {mismatch}.",
        "The two benchmarks are different; their counts are not to be compared cell by cell.",
        *notes,
    ]
