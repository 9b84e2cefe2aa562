"""Of two folders one is always there, whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from themis.records.folders import put_in_place


def made(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "file").write_text(text)
    return folder


@pytest.mark.parametrize("there", [False, True])
def test_the_new_one_stands_alone(tmp_path, there):
    out = tmp_path / "out"
    if there:
        (made(out, "old") / "more").write_text("old")
        # Of a kill in between.
        made(tmp_path / ".out.old", "older")
    put_in_place(made(tmp_path / "part", "new"), out)
    assert list(tmp_path.iterdir()) == [out]
    assert [(path.name, path.read_text()) for path in out.iterdir()] == [("file", "new")]


def test_where_the_new_one_cannot_come_the_old_one_stays(tmp_path):
    out = made(tmp_path / "out", "old")
    with pytest.raises(OSError, match="part"):
        put_in_place(tmp_path / "part", out)
    assert list(tmp_path.iterdir()) == [out]
    assert (out / "file").read_text() == "old"
