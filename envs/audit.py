"""Licences and known vulnerabilities of the packages that the locks of this folder hold; `make audit` runs it."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

from identify.identify import license_id

ENVS = Path(__file__).parent
LOCKS = {"cpu": ("cpu.txt", "torch.txt", "source.txt"), "vllm": ("vllm.txt", "torch.txt")}
NOTHING_KNOWN, VULNERABLE, NOT_ASKED = 0, 1, 3

# What metadata calls a licence, and its SPDX name; "BSD" is one whose number of clauses is not said.
SPELLED = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 2-CLAUSE LICENSE": "BSD-2-Clause",
    "BSD License": "BSD",
    "BSD-derived (http://www.repoze.org/LICENSE.txt)": "BSD-derived",
    "GNU General Public License (GPL)": "GPL",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Other/Proprietary License": "proprietary",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
}

PAGE = """# Licences of the packages
Made by `make audit` from the metadata of the installed packages, by their licence file where it names none. `cpu` is the release in
`.venv` (`envs/cpu.txt`, `envs/torch.txt`, `envs/source.txt`), `vllm` that in `.venv-vllm` (`envs/vllm.txt`, `envs/torch.txt`). Read
as SPDX names; `;` stands between licences that the metadata lists without saying whether all or one of them holds, and `BSD`
does not say its clauses. Not here is what the locks for NVIDIA GPUs have besides: CUDA's libraries come under NVIDIA's own terms.

| package | cpu | vllm | licence |
|---|---|---|---|
"""


def licences(interpreters: dict[str, str]) -> str:
    """The page of licences: a row for each package of the locks of CPU machines.

    `interpreters` has the Python of the environment that each of `LOCKS` is installed in. Raises SystemExit where a
    locked package is in none of them.
    """
    pinned = {name: pins(*(ENVS / lock for lock in LOCKS[name])) for name in LOCKS}
    installed = {name: _installed(python) for name, python in interpreters.items()}
    rows = []
    for package in sorted(set().union(*pinned.values())):
        found = {installed[name][package] for name in LOCKS if package in installed[name]}
        if not found:
            sys.exit(f"{package} is locked and in none of the environments; run `make setup vllm` and this again")
        versions = (", ".join(pinned[name].get(package, [])) for name in LOCKS)
        rows.append(f"| {' | '.join([package, *versions, ' or '.join(sorted(found))])} |\n")
    return PAGE + "".join(rows)


def vulnerabilities(locks: list[Path]) -> int:
    """Print what is known of the packages of these locks, by pip-audit.

    Returns NOTHING_KNOWN; VULNERABLE where a vulnerability of one is known; else NOT_ASKED where the service that knows
    them could not be asked about every package.
    """
    answers = [answer for lock in locks for answer in _asked(lock)]
    known, unasked = verdict(answers)
    print("".join(f"{line}\n" for line in known), end="")
    if unasked:
        print(f"The service that knows vulnerabilities could not be asked about {len(unasked)} of the locked packages.")
    elif not known:
        print("No vulnerability is known.")
    return VULNERABLE if known else NOT_ASKED if unasked else NOTHING_KNOWN


def verdict(answers: list[dict]) -> tuple[list[str], set[str]]:
    """From pip-audit's answers a line for each known vulnerability, and the packages that it did not ask about."""
    known = {
        f"{answer['name']} {answer['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'no release'}"
        for answer in answers
        for found in answer.get("vulns", ())
    }
    return sorted(known), {answer["name"] for answer in answers if "skip_reason" in answer}


def pins(*locks: Path) -> dict[str, list[str]]:
    """The releases that locks pin, by the name of the package."""
    found: dict[str, list[str]] = {}
    for lock in locks:
        for name, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", lock.read_text(encoding="utf-8"), re.M):
            found.setdefault(_normal(name), []).append(version)
    return found


def _installed(python: str) -> dict[str, str]:
    """The licence of each package that an interpreter finds."""
    command = ["--python", python, "--from", "mixed", "--format", "json", "--with-license-file", "--with-system"]
    ran = subprocess.run([sys.executable, "-m", "piplicenses", *command], capture_output=True, text=True, check=True)
    return {_normal(row["Name"]): _licence(row) for row in json.loads(ran.stdout)}


def _licence(row: dict[str, str]) -> str:
    said = [part.strip() for part in row["License"].split("\n", 1)[0].split(";")]
    if said == ["UNKNOWN"] and row["LicenseFile"] != "UNKNOWN":
        said = [license_id(row["LicenseFile"]) or "UNKNOWN"]
    return "; ".join(SPELLED.get(part, part) for part in said)


def _asked(lock: Path) -> list[dict]:
    """What pip-audit says of each package of a lock; it ends without a word where it cannot reach its service at all."""
    command = ["--requirement", str(lock), "--disable-pip", "--require-hashes", "--format", "json"]
    ran = subprocess.run(
        [sys.executable, "-m", "pip_audit", *command, "--progress-spinner", "off"], capture_output=True, text=True
    )
    if ran.stdout.strip():
        return json.loads(ran.stdout)["dependencies"]
    return [{"name": name, "skip_reason": ran.stderr} for name in pins(lock)]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_subparsers(dest="what", required=True)
    licensed = what.add_parser("licences", help="write the page of licences")
    licensed.add_argument("page", type=Path)
    for name in LOCKS:
        licensed.add_argument(name, help=f"the Python of the environment {name}")
    what.add_parser("vulnerabilities", help="ask for known vulnerabilities; exit code 1: some, 3: could not ask")
    given = parser.parse_args()
    if given.what == "licences":
        given.page.write_text(licences({name: getattr(given, name) for name in LOCKS}), encoding="utf-8")
    else:
        # Not torch.txt: no service knows the name of PyTorch's CPU build, and cuda.txt has its release.
        asked = ("cpu", "cuda", "source", "vllm", "vllm-cuda", "tools")
        sys.exit(vulnerabilities([ENVS / f"{name}.txt" for name in asked]))
