"""The locks are complete, hashed and open, and the environment that the tests run in is the locked one."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = ("cpu", "cuda", "torch", "source", "vllm", "vllm-cuda", "tools")
# pip is the one package that a new virtual environment has; Python before 3.12 puts setuptools beside it, which is locked.
ALSO_THERE = {"themis", "pip"}
OPEN = {
    *(
        "0BSD",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSD-derived",
        "BSL-1.0",
    ),
    *(
        "CC0-1.0",
        "CNRI-Python",
        "GPL",
        "ISC",
        "LGPL-2.1-only",
        "LGPL-2.1-or-later",
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "MPL-2.0",
    ),
    *("PSF-2.0", "Public Domain", "Unlicense", "Zlib"),
}
# Intel's OpenMP, which vLLM for CPUs asks for: free of charge, under Intel's own licence.
NOT_OPEN = {"intel-openmp", "intel-cmplr-lib-ur"}
_CUDA = "nvidia-cublas"  # is in an environment for NVIDIA GPUs alone
_INSTALLED = "import importlib.metadata as m, json; print(json.dumps([[d.name, d.version] for d in m.distributions()]))"


@cache
def _lock(path):
    """The requirements of a lock, each with the number of its hashes."""
    text = re.sub(r"^ *#.*\n", "", path.read_text(encoding="utf-8"), flags=re.M)
    found = []
    for line in filter(None, re.sub(r" *\\\n +", " ", text).splitlines()):
        requirement, *hashes = line.split(" --hash=")
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one.strip()) for one in hashes), line
        found.append((Requirement(requirement), len(hashes)))
    return found


def _locked(root, *names):
    return [one for name in names for one in _lock(root / "envs" / f"{name}.txt")]


def _pins(root, *names):
    """Release by package, of what the locks hold for this machine."""
    held = [lock for lock, _ in _locked(root, *names) if lock.marker is None or lock.marker.evaluate()]
    found = {canonicalize_name(lock.name): str(lock.specifier).removeprefix("==") for lock in held}
    assert len(found) == len(held), "a package twice"
    return found


def _given(root, name):
    """What an .in file asks for, with the files that it names."""
    for line in (root / "envs" / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            yield from _given(root, line[3:])
        elif line and not line.startswith("#"):
            yield Requirement(line)


def _excluded(root):
    """What is left out though a package says that it needs it."""
    excluded = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["uv"][
        "exclude-dependencies"
    ]
    return {*excluded, *(one.name for one in _given(root, "cpu-excludes.txt"))}


def _installed(python):
    ran = subprocess.run([python, "-c", _INSTALLED], capture_output=True, text=True, check=True)
    return {canonicalize_name(name): version for name, version in json.loads(ran.stdout)}


@pytest.fixture(scope="module")
def here(root):
    """What is installed where the tests run, without what is no package of the lock."""
    return {name: version for name, version in _installed(sys.executable).items() if name not in ALSO_THERE}


@pytest.fixture(scope="module")
def audit(root):
    """The module envs/audit.py, whose packages of its own are not needed here."""
    spec = importlib.util.spec_from_file_location("audit", root / "envs/audit.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_of_a_lock_has_one_release_and_its_hashes(root, name):
    locked = _locked(root, name)
    assert locked
    for requirement, hashes in locked:
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), requirement
        assert hashes and requirement.url is None, requirement


def test_no_file_of_the_environments_names_an_index(root):
    for path in [root / "pyproject.toml", root / "Makefile", *(root / "envs").glob("*.*")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(--|^ *)(extra-)?index(-url)?[ =]|find-links|whl/|/simple\b|@ *https?://", text, re.M), (
            path
        )


def test_what_is_asked_for_is_locked(root):
    held = {name: {**_pins(root, name), **_pins(root, "source")} for name in ("cuda", "vllm", "vllm-cuda", "tools")}
    held |= {"cpu": _pins(root, "cpu", "torch", "source"), "vllm": {**held["vllm"], **_pins(root, "torch")}}
    for name, asked in (
        ("cuda", "cpu"),
        ("cpu", "cpu"),
        ("vllm", "vllm"),
        ("vllm-cuda", "vllm-cuda"),
        ("tools", "tools"),
    ):
        for requirement in _given(root, f"{asked}.in"):
            version = held[name].get(canonicalize_name(requirement.name))
            assert version and requirement.specifier.contains(version), f"{requirement}: run `make lock`"


def test_the_steps_that_ask_a_language_model_need_nothing_else_than_the_package(root):
    assert {one.name for one in _given(root, "steps.in")} <= {one.name for one in _given(root, "package.in")}


def test_cuda_changes_only_pytorch_and_what_compiles_for_it(root):
    cpu, cuda = _pins(root, "cpu", "torch"), _pins(root, "cuda")
    differing = {name for name in {*cpu, *cuda} if cpu.get(name) != cuda.get(name)}
    assert {name for name in differing if not name.startswith(("nvidia-", "cuda-"))} == {"torch", "triton"}
    assert cpu["torch"] == f"{cuda['torch']}+cpu"


def test_this_environment_holds_the_locked_releases(root, here):
    locked = _pins(root, *_set(here))
    differing = {name: (version, here.get(name)) for name, version in locked.items() if here.get(name) != version}
    assert differing == {}, "run `make setup`"


def test_this_environment_holds_nothing_else(root, here):
    _refuse(here.keys() - _pins(root, *_set(here)).keys())


def test_what_every_package_needs_is_there(root, here):
    excluded, wanting = _excluded(root), []
    for name in here:
        for need in map(Requirement, metadata.requires(name) or ()):
            applies = need.marker is None or need.marker.evaluate({"extra": ""})
            if applies and canonicalize_name(need.name) not in excluded:
                version = here.get(canonicalize_name(need.name))
                if version is None or not need.specifier.contains(version, prereleases=True):
                    wanting.append(f"{name} needs {need}, here is {version}")
    assert wanting == []


def test_what_comes_as_source_has_nothing_to_compile(root):
    for name in _pins(root, "source"):
        assert "Root-Is-Purelib: true" in metadata.distribution(name).read_text("WHEEL")


@pytest.mark.vllm
def test_the_environment_of_vllm_is_the_locked_one(root):
    environment = root / ".venv-vllm"
    if not (environment / ".ready").exists():
        pytest.skip(f"no {environment.name} here: run make vllm")
    found = _installed(environment / "bin/python")
    locked = _pins(root, *(("vllm-cuda",) if _CUDA in found else ("vllm", "torch")))
    assert {name: found.get(name) for name in locked} == locked, "run `make vllm`"
    _refuse(found.keys() - locked.keys() - ALSO_THERE)


def test_every_package_has_an_open_licence(root):
    rows = _licences(root)
    for name in NOT_OPEN:
        assert rows.pop(name)[2] == "proprietary"
    for name, (_, _, licence) in rows.items():
        for part in re.split(r"; | AND | OR | or ", licence):
            assert part in OPEN, f"{name}: {licence}"


def test_the_page_of_licences_has_the_locked_releases(root):
    rows = _licences(root)
    for column, locks in enumerate((("cpu", "torch", "source"), ("vllm", "torch"))):
        locked = {(canonicalize_name(one.name), str(one.specifier)[2:]) for one, _ in _locked(root, *locks)}
        shown = {(name, one) for name, row in rows.items() for one in row[column].split(", ") if one}
        assert shown == locked, "run `make audit`"


def test_a_service_that_answered_nothing_is_no_clean_bill(audit, monkeypatch, capsys, tmp_path):
    lock = tmp_path / "lock.txt"
    clean, bad, silent = (
        {"name": "a", "version": "1", "vulns": []},
        {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3", "4"]}]},
        {"name": "c", "skip_reason": "not reached"},
    )
    for answers, code, said in (
        ([clean], 0, "No vulnerability is known.\n"),
        (
            [clean, silent],
            3,
            "The service that knows vulnerabilities could not be asked about 1 of the locked packages.\n",
        ),
        ([bad, clean], 1, "b 2: CVE-1, mended in 3, 4\n"),
    ):
        monkeypatch.setattr(audit, "_asked", lambda lock, answers=answers: answers)
        assert audit.vulnerabilities([lock]) == code
        assert capsys.readouterr().out == said


def test_a_licence_is_read_from_its_file_where_metadata_names_none(audit, root):
    unsaid = {"License": "UNKNOWN", "LicenseFile": str(root / "LICENSE")}
    assert audit._licence(unsaid) == "Apache-2.0"
    assert audit._licence({**unsaid, "License": "MIT License; BSD License\nin full"}) == "MIT; BSD"


def _set(here):
    """The locks that this environment was made from."""
    return ("cuda", "source") if _CUDA in here else ("cpu", "torch", "source")


def _refuse(more):
    if more and "THEMIS_LOCKED" not in os.environ:
        pytest.skip(f"a developer's environment, with {', '.join(sorted(more))} besides")
    assert more == set()


def _licences(root):
    """Package to its cells: release in either environment, licence."""
    page = (root / "notebooks/reference/licences.md").read_text(encoding="utf-8")
    rows = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("| ")][1:]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}
