"""The answer of each notebook in a few sentences, every number taken from the tables it draws."""

from __future__ import annotations

import polars as pl

from themis.analysis.accuracy import IN_FAMILY, MACRO, OUT_OF_FAMILY, OVERALL, label, ranking
from themis.analysis.printed import ABLATED, TRAINED_ON
from themis.vocabulary import CODE_CRITERIA, PERTURBATIONS

_SINGLE = dict(TRAINED_ON[:5])  # rows of the paper's table 2: what an 8B model learns from one criterion alone
_MERGED = "Themis-RM-8B criteria-level model merge"


def criteria(table: pl.DataFrame, ties: pl.DataFrame) -> str:
    """RQ1, from the accuracy table by criterion and the tie corrections."""
    best, undecided = [], []
    for criterion in CODE_CRITERIA:
        rows = table.filter(pl.col("group") == criterion).sort("half_credit", "model", descending=[True, False])
        if rows.is_empty():
            continue
        first = rows.row(0, named=True)
        best.append(f"{label(criterion).lower()} {first['model']} {_interval(first)}")
        chance = rows.filter((pl.col("low") <= 0.5) & (pl.col("high") >= 0.5)).height
        undecided.append(f"{chance} in {label(criterion).lower()}")
    if not best:
        return "None of the pairs is of one of the five criteria of code."
    models = table["model"].n_unique()
    said = f"Best by criterion: {'; '.join(best)}. Of {models} models, those that cannot be told from guessing: {', '.join(undecided)}."
    gained = ties.filter(pl.col("gain") >= 1)
    if gained.height:
        row = gained.row(0, named=True)
        said += (
            f" Counting a tie as half right moves {gained.height} of {models} models by a point or more, {row['model']} the most: "
            f"{row['gain']:.1f} points, from {row['strict']:.1%} to {row['half_credit']:.1%}."
        )
    return said


def families(table: pl.DataFrame) -> str:
    """Whether the best models lead on families that are not in the training mix too, from the grouping `family`."""
    groups = set(table["group"].to_list())
    if not {IN_FAMILY, OUT_OF_FAMILY} <= groups:
        some = groups & {IN_FAMILY, OUT_OF_FAMILY}
        why = (
            f"All pairs are of {label(some.pop()).lower()}"
            if some
            else "The study names no subsets of training families"
        )
        return f"{why}, so it cannot say how much of a lead is contamination."
    order = ranking(table)
    rows = {(row["model"], row["group"]): row for row in table.iter_rows(named=True)}
    outside = sorted(order, key=lambda model: (-rows[model, OUT_OF_FAMILY]["half_credit"], model))
    first = order[0]
    return (
        f"{first} leads over all pairs; on the {rows[first, OUT_OF_FAMILY]['n']:,} pairs of families outside the training "
        f"mix the best is {outside[0]} {_interval(rows[outside[0], OUT_OF_FAMILY])}, and {first} is number "
        f"{outside.index(first) + 1} of {len(order)} there."
    )


def interference(correlation: pl.DataFrame, printed: pl.DataFrame) -> str:
    """RQ2, from the criteria's rank correlations and the printed table 2 with its ablations."""
    shown = correlation.drop_nulls("rho").sort("rho")
    if shown.is_empty():
        said = "This study has too few models, or too few criteria, to say whether criteria rank models alike."
    else:
        low, high = shown.row(0, named=True), shown.row(-1, named=True)
        said = (
            f"Over {low['models']} models the criteria's rankings correlate with {low['rho']:.2f} "
            f"({_pair(low)}) to {high['rho']:.2f} ({_pair(high)})."
        )
    cells = {(row["row"], row["column"]): row["printed"] for row in printed.iter_rows(named=True)}
    columns = list(dict.fromkeys(_SINGLE.values()))
    kept = [cells[row, own] - cells[ABLATED, own] for row, own in _SINGLE.items()]
    lost = [
        cells[row, other] - cells[ABLATED, other] for row, own in _SINGLE.items() for other in columns if other != own
    ]
    merged = cells[_MERGED, "Average"] - cells[ABLATED, "Average"]
    return (
        f"{said} Quoted from the paper, not measured here: 8B models trained on one criterion lose {-max(kept):.1f} to "
        f"{-min(kept):.1f} points in it and {-max(lost):.1f} to {-min(lost):.1f} in the others, against the model trained on "
        f"all; merging the five loses {-merged:.1f} points overall."
    )


def transfer(table: pl.DataFrame, printed: pl.DataFrame) -> str:
    """RQ3, from the accuracy table by language and the printed ablations of table 3."""
    languages = table.filter(~pl.col("group").is_in([OVERALL, MACRO]))
    best = ranking(table)[0]
    own = languages.filter(pl.col("model") == best).sort("half_credit")
    if own.height < 2:
        said = "This study has pairs in one language only."
    else:
        worst, first = own.row(0, named=True), own.row(-1, named=True)
        spread = languages.group_by("model").agg(range=pl.col("half_credit").max() - pl.col("half_credit").min())
        said = (
            f"{best} is right in {worst['group']} {_interval(worst)} and in {first['group']} {_interval(first)}; between a "
            f"model's best and worst language lie {100 * spread['range'].median():.1f} points in the median of "
            f"{spread.height} models."
        )
    cells = {(row["row"], row["column"]): row["printed"] for row in printed.iter_rows(named=True)}
    everything = cells["Themis-RM-8B 50k all languages", "Average"]
    named = (("Themis-RM-8B 50k Python", "Python"), ("Themis-RM-8B 50k Java", "Java"))
    alone = " and ".join(f"{name} {cells[row, 'Average']:.1f}" for row, name in named)
    return (
        f"{said} Quoted from the paper, not measured here: trained on 50,000 pairs of one language an 8B model scores "
        f"({alone}), of all eight {everything:.1f}, single runs without intervals."
    )


def robustness(printed: pl.DataFrame, measured: pl.DataFrame | None = None) -> str:
    """RQ4, from the printed table 4 and, where the study perturbed pairs, from the table of schema "robustness"."""
    cells = printed.with_columns(
        measure=pl.col("column").str.extract(r"^(\S+)"), printed=pl.col("printed").cast(pl.Float64)
    )
    means = (
        cells.group_by("row", "measure").agg(pl.col("printed").mean()).sort("printed", "row", descending=[True, False])
    )
    first = {row["measure"]: row for row in reversed(means.to_dicts())}
    own = None if measured is None else measured.filter(pl.col("n") > 0)
    said = (
        "This study has neither sampled solutions with test results nor adversarial pairs: every figure here is quoted "
        "from the paper, which prints no number of problems and no interval."
        if own is None or own.is_empty()
        else f"{_cost(own)} Quoted from the paper, not measured here, without numbers of problems and intervals:"
    )
    return (
        f"{said} There the best at re-ranking is "
        f"{first['Hits@10']['row']} (mean Hits@10 over three languages {first['Hits@10']['printed']:.1f}%) and on "
        f"adversarial pairs {first['Adversarial']['row']} ({first['Adversarial']['printed']:.1f}%); as it does not print "
        "the accuracy before the change, what the change costs cannot be told."
    )


def _cost(measured: pl.DataFrame) -> str:
    """What the hacks cost the model that is most often right without them."""
    plain = measured.group_by("model", maintain_order=True).agg(pl.col("plain_half_credit").mean())
    best = plain.sort("plain_half_credit", descending=True, maintain_order=True).row(0, named=True)["model"]
    rows = measured.filter(pl.col("model") == best, pl.col("kind") == "hack").sort("change", maintain_order=True)
    if rows.is_empty():
        return f"No hack was scored with {best}."
    worst = rows.row(0, named=True)
    return (
        f"{best} loses most to the hack \u201c{PERTURBATIONS[worst['perturbation']].title}\u201d: "
        f"{100 * worst['plain_half_credit']:.1f}% of {worst['n']:,} pairs before, {100 * worst['half_credit']:.1f}% after "
        f"(change {100 * worst['change']:+.1f} points [{100 * worst['change_low']:+.1f}, {100 * worst['change_high']:+.1f}]). "
        f"Over {rows.height} hacks its accuracy changes by {100 * rows['change'].mean():+.1f} points in the mean, and "
        f"{rows['flip_rate'].mean():.1%} of the outcomes are others."
    )


def scores(resolution: pl.DataFrame, agreement: pl.DataFrame, calibration: pl.DataFrame, lengths: pl.DataFrame) -> str:
    """What the scores themselves are like, from the measures of these names."""
    models = resolution.height
    tie = resolution.filter(pl.col("tie_rate") > 0.01)
    said = f"{tie.height} of {models} models give both responses the same score in more than one pair in a hundred"
    if tie.height:
        row = tie.sort("distinct", "model").row(0, named=True)
        said += f"; {row['model']} knows only {row['distinct']:,} distinct scores"
    parts = [said + "."]
    alike = agreement.drop_nulls("kappa").sort("kappa", "first", "second", descending=[True, False, False])
    if alike.height:
        row = alike.row(0, named=True)
        parts.append(
            f"The two models that decide most alike are {row['first']} and {row['second']} (kappa {row['kappa']:.2f})."
        )
    fitted = calibration.drop_nulls("ece")
    if fitted.height:
        better = fitted.filter(pl.col("nll_scaled") < pl.col("nll")).height
        parts.append(
            f"Read as log odds, scores miss by {fitted['ece'].median():.1%} in the median (expected calibration error); one "
            f"temperature makes {better} of {fitted.height} models likelier on pairs it was not fitted on."
        )
    level = lengths.filter(pl.col("group") == OVERALL).drop_nulls("controlled")
    if level.height:
        row = level.sort(pl.col("bias").abs(), "model", descending=[True, False]).row(0, named=True)
        parts.append(
            f"The strongest taste for length has {row['model']}: right in {row['accuracy_longer']:.1%} where the better code "
            f"is the longer and in {row['accuracy_shorter']:.1%} where it is the shorter."
        )
    else:
        parts.append("The pairs' texts are not known to this study, so it cannot say what length alone decides.")
    return " ".join(parts)


def _interval(row: dict) -> str:
    return f"{100 * row['half_credit']:.1f}% [{100 * row['low']:.1f} {100 * row['high']:.1f}]"


def _pair(row: dict) -> str:
    return f"{label(row['first']).lower()} and {label(row['second']).lower()}"
