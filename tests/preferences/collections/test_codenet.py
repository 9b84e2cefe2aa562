"""Project CodeNet: accepted solutions of one submitter, five times apart, and no file outside the folder."""

import csv

import pytest

from themis.errors import Problem

COLUMNS = [
    "submission_id", "problem_id", "user_id", "date", "language", "original_language", "filename_ext", "status",
    "cpu_time", "memory", "code_size", "accuracy",
]  # fmt: skip
EXTENSIONS = {"Python": "py", "C++": "cpp", "Haskell": "hs"}


class CodeNet:
    """The folder of the archive, with the submissions given."""

    def __init__(self, folder):
        self.folder, self.rows = folder, []
        (folder / "metadata").mkdir(parents=True)
        (folder / "problem_descriptions").mkdir()
        (folder / "problem_descriptions/p00001.html").write_text("<h1>Sum</h1><p>Add a &amp; b.</p>")

    def submit(self, name, user, time, memory, status="Accepted", language="Python"):
        values = (name, "p00001", user, 0, language, "", EXTENSIONS[language], status, time, memory, 9, "1/1")
        self.rows.append(dict(zip(COLUMNS, values, strict=True)))
        program = self.folder / "data/p00001" / language / f"{name}.{EXTENSIONS[language]}"
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"solution {name}\n")

    def write(self, order=1):
        with (self.folder / "metadata/p00001.csv").open("w", newline="") as stream:
            writer = csv.DictWriter(stream, COLUMNS)
            writer.writeheader()
            writer.writerows(self.rows[::order])
        return self.folder


@pytest.fixture
def codenet(tmp_path):
    archive = CodeNet(tmp_path / "Project_CodeNet")
    archive.submit("s1", "u1", 10, 900)
    archive.submit("s2", "u1", 60, 1000)
    archive.submit("s3", "u1", 1, 1, status="Wrong Answer")
    archive.submit("s4", "u2", 1, 5000, language="C++")
    archive.submit("s5", "u2", 2, 1000, language="C++")
    archive.submit("s6", "u2", 100, 1, language="Python")
    archive.submit("s7", "u3", 1, 1, language="Haskell")
    archive.submit("s8", "u3", 9, 9, language="Haskell")
    archive.submit("s9", "u4", 0, "")
    return archive


def test_pairs_are_of_one_submitter_problem_and_language(collect, codenet):
    found = collect("codenet", codenet.write())
    assert sorted((row["chosen"], row["rejected"], row["language"], row["aspect"]) for row in found.rows) == [
        ("solution s1\n", "solution s2\n", "Python", "runtime_efficiency"),
        ("solution s5\n", "solution s4\n", "C++", "memory_efficiency"),
    ]
    assert {row["input"] for row in found.rows} == {"Sum\n\nAdd a & b."}
    # Of the groups (u1, Python), (u2, C++), (u2, Python) and (u4, Python), each by time and by memory.
    assert found.dropped == {"no two solutions measured far enough apart": 6}
    assert found.content == collect("codenet", codenet.write(order=-1)).content


def test_a_name_that_leads_out_of_the_folder_is_not_followed(collect, codenet, tmp_path):
    (tmp_path / "secret.py").write_text("secret")
    for name, time in (("../../../../secret", 1), ("s1", 99)):
        codenet.rows.append({**codenet.rows[0], "submission_id": name, "user_id": "u5", "cpu_time": time})
    found = collect("codenet", codenet.write())
    assert "secret" not in str(found.rows)
    assert len(found.rows) == 2


def test_a_program_that_is_gone_is_counted(collect, codenet):
    (codenet.folder / "data/p00001/Python/s2.py").unlink()
    found = collect("codenet", codenet.write())
    assert len(found.rows) == 1
    assert found.dropped["no response"] == 1


def test_another_folder_is_named(collect, tmp_path, codenet):
    with pytest.raises(Problem, match="give the folder Project_CodeNet"):
        collect("codenet", tmp_path)
    (codenet.folder / "metadata/p00001.csv").write_text("a,b\n1,2\n")
    with pytest.raises(Problem, match="not the metadata of CodeNet; it has a, b"):
        collect("codenet", codenet.folder)
