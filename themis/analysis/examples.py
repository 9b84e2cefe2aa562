"""Examples as a page shows them: changes side by side in colour, and the members of groups of near-duplicates."""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import polars as pl

from themis import chance, records
from themis.analysis.accuracy import label
from themis.analysis.contents import lines, rows_of
from themis.analysis.pages import render

_LONGEST_TEXT = 40_000  # bytes of a file whose change is shown
_LONGEST_LINE = 200  # characters
_CONTEXT = 3  # unchanged lines around a change
_SHOWN = 40  # lines of an example
_Pieces = list[tuple[str, bool]]  # of a line, each with whether the other side differs there
_ALIKE = 0.5  # similarity from which two lines are one line changed


@dataclass(frozen=True)
class Line:
    """A line of a comparison: its number and text on each side, None where the side has none. `kind` is same, changed, removed, added or gap."""

    kind: str
    old_number: int | None = None
    old: _Pieces | None = None
    new_number: int | None = None
    new: _Pieces | None = None


def pick(measured: pl.DataFrame, number: int, seed: int) -> list[str]:
    """The ids of `number` kept changes, drawn by chance: one of each language in turn, the most frequent first, of files
    short enough to compare. `measured` is what `contents.measured` returns."""
    fit = (pl.max_horizontal("old_bytes", "new_bytes") <= _LONGEST_TEXT) & pl.col("kept")
    rows = measured.filter(fit & (pl.col("added") + pl.col("removed") > 0)).select("id", "language")
    drawn = rows[chance.order(seed, "example", rows["id"].to_list())].with_columns(
        turn=pl.int_range(pl.len()).over("language"), often=pl.len().over("language")
    )
    order = drawn.sort("turn", "often", "language", descending=[False, True, False])
    return order["id"].head(number).to_list()


def changes(path: Path, ids: Sequence[str]) -> str:
    """HTML of the changes with these ids in a deduplicated table, old text on the left and new on the right."""
    columns = ["repository", "path", "commit", "subject", "language", "split", "encoding"]
    found = rows_of(path, ids, [*columns, "old_contents", "new_contents"])
    shown = [
        {
            "title": _said(row["repository"], row["path"]),
            "said": _said(row["subject"]),
            "facts": [_said(row[name]) for name in ("language", "split", "encoding", "commit")],
            "sides": ("Before", "After"),
            **_comparison(row["old_contents"], row["new_contents"]),
        }
        for row in (found[one] for one in ids)
    ]
    return render("comparisons.html.j2", examples=shown, nothing="No change was kept.")


def preferences(path: Path, number: int, seed: int) -> str:
    """HTML of `number` pairs of a preferences table, drawn by chance: one of each criterion in turn, the most frequent
    first; rejected on the left and chosen on the right."""
    rows = pl.DataFrame(pl.from_arrow(records.read(path, "preferences", ["idx", "aspect"])))
    drawn = rows[chance.order(seed, "example pair", rows["idx"].to_list())].with_columns(
        turn=pl.int_range(pl.len()).over("aspect"), often=pl.len().over("aspect")
    )
    ids = drawn.sort("turn", "often", "aspect", descending=[False, True, False])["idx"].head(number).to_list()
    found = rows_of(path, ids, ["aspect", "language", "source", "input", "chosen", "rejected"], key="idx")
    shown = [
        {
            "title": _said(label(row["aspect"]), row["source"]),
            "said": _said(_on_one_line(row["input"])),
            "facts": [_said(row["language"]), _said(row["idx"])],
            "sides": ("Rejected", "Chosen"),
            **_comparison(row["rejected"][:_LONGEST_TEXT], row["chosen"][:_LONGEST_TEXT]),
        }
        for row in (found[one] for one in ids)
    ]
    return render("comparisons.html.j2", examples=shown, nothing="The set holds no pair.")


def disagreements(benchmark: Path, table: pl.DataFrame, first: str, second: str) -> str:
    """HTML of the pairs about which two models differ, rejected on the left and chosen on the right. `table` is what
    `margins.disagreements` returns for the two."""
    found = rows_of(benchmark, table["id"].to_list(), ["prompt", "chosen", "rejected"])
    shown = [
        {
            "title": _said(label(row["aspect"]), f"{row['right']} is right"),
            "said": _said(_on_one_line(found[row["id"]]["prompt"])),
            "facts": [
                _said(row["language"]),
                *(
                    _said(f"{model}: rejected {row[f'{name}_rejected']:.3g}, chosen {row[f'{name}_chosen']:.3g}")
                    for name, model in (("first", first), ("second", second))
                ),
                _said(row["id"]),
            ],
            "sides": ("Rejected", "Chosen"),
            **_comparison(*(found[row["id"]][side][:_LONGEST_TEXT] for side in ("rejected", "chosen"))),
        }
        for row in table.iter_rows(named=True)
    ]
    return render("comparisons.html.j2", examples=shown, nothing="The two models never decide otherwise.")


def near_duplicates(path: Path, members: pl.DataFrame, number: int) -> str:
    """HTML that compares the new text of a group's kept row with that of its first other member, for `number` groups.
    `members` is what `contents.largest` returns."""
    pairs = []
    for _, group in members.group_by("cluster_id", maintain_order=True):
        if group.height > 1 and len(pairs) < number:
            pairs.append(group.head(2).to_dicts())
    found = rows_of(path, [row["id"] for pair in pairs for row in pair], ["new_contents"])
    shown = [
        {
            "title": _said(kept["repository"], kept["path"]),
            "said": _said(kept["subject"]),
            "facts": [f"one of {kept['size']:,} near-duplicates", _said(kept["language"])],
            "sides": ("Kept", _said("Left out", other["repository"], other["path"], other["subject"])),
            **_comparison(*(found[row["id"]]["new_contents"][:_LONGEST_TEXT] for row in (kept, other))),
        }
        for kept, other in pairs
    ]
    return render("comparisons.html.j2", examples=shown, nothing="No commit has a near-duplicate.")


def member_table(members: pl.DataFrame) -> str:
    """HTML of the groups with their members; `members` is what `contents.largest` returns."""
    groups = []
    for _, group in members.group_by("cluster_id", maintain_order=True):
        rows = []
        for row in group.iter_rows(named=True):
            said = {name: _said(row[name]) for name in ("repository", "path", "subject")}
            rows.append(row | said | {"day": _day(row["committed_at"])})
        groups.append({"size": rows[0]["size"], "rows": rows, "more": rows[0]["size"] - len(rows)})
    return render("clusters.html.j2", groups=groups)


def side_by_side(old: str, new: str) -> Iterator[Line]:
    """The lines of two texts that differ, with some around them, as a reader compares them; a gap stands for the rest."""
    before, after = lines(old), lines(new)
    matcher = SequenceMatcher(None, before, after)
    for place, group in enumerate(matcher.get_grouped_opcodes(_CONTEXT)):
        if place:
            yield Line("gap")
        for tag, old_start, old_end, new_start, new_end in group:
            olds, news = before[old_start:old_end], after[new_start:new_end]
            for at in range(max(len(olds), len(news))):
                left = olds[at] if at < len(olds) else None
                right = news[at] if at < len(news) else None
                yield _line(tag, old_start + at + 1, left, new_start + at + 1, right)


def visible(text: str) -> str:
    """The text on one line with its control and format characters spelt out: they could hide or reorder what is shown."""
    return "".join(
        f"\\u{ord(char):04x}" if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp") and char != "\t" else char
        for char in text
    )


def _said(*texts: str) -> str:
    return ": ".join(_cut(visible(text)) for text in texts)


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _comparison(old: str, new: str) -> dict[str, object]:
    found = list(side_by_side(old, new))
    return {"lines": found[:_SHOWN], "more": max(len(found) - _SHOWN, 0)}


def _line(tag: str, old_number: int, old: str | None, new_number: int, new: str | None) -> Line:
    old, new = (None if text is None else _said(text) for text in (old, new))
    if old is None:
        return Line("added", new_number=new_number, new=[(new, True)])
    if new is None:
        return Line("removed", old_number, [(old, True)])
    if tag == "equal":
        return Line("same", old_number, [(old, False)], new_number, [(new, False)])
    left, right = _pieces(old, new)
    return Line("changed", old_number, left, new_number, right)


def _pieces(old: str, new: str) -> tuple[_Pieces, _Pieces]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return [(old, True)], [(new, True)]
    codes = matcher.get_opcodes()
    left = [(old[a:b], tag != "equal") for tag, a, b, _, _ in codes if a < b]
    right = [(new[c:d], tag != "equal") for tag, _, _, c, d in codes if c < d]
    return left, right


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_LINE else text[: _LONGEST_LINE - 1] + "…"


def _day(seconds: int) -> str:
    try:
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d")
    except (OverflowError, ValueError, OSError):
        return f"{seconds} s"
