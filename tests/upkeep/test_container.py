"""Both container definitions make the same image: one base, one lock, files that are there."""

import re
import shlex
import tomllib

import pytest


@pytest.fixture(scope="module")
def definitions(root):
    """Apptainer's definition and Docker's, lines that go on joined, comments gone."""
    texts = {name: (root / "envs" / name).read_text(encoding="utf-8") for name in ("themis.def", "Dockerfile")}
    return {name: re.sub(r"^\s*#.*\n", "", text, flags=re.M).replace("\\\n", " ") for name, text in texts.items()}


def _found(pattern, definitions):
    return [re.findall(pattern, text, re.M) for text in definitions.values()]


def test_one_base_by_digest(definitions):
    apptainer, docker = _found(r"^(?:From:|FROM) (\S+)$", definitions)
    assert apptainer == docker
    assert len(docker) == 1
    assert re.fullmatch(r"pytorch/pytorch@sha256:[0-9a-f]{64}", docker[0])


def test_both_install_the_same_locks_and_each_is_there_and_hashed(root, definitions):
    apptainer, docker = _found(r"-m pip install .*? -r (\S+)", definitions)
    assert apptainer == docker == ["envs/cuda.txt", "envs/source.txt"]
    for lock in docker:
        assert "--hash=sha256:" in (root / lock).read_text(encoding="utf-8")
    for text in definitions.values():
        for line in re.findall(r"-m pip install (.*? -r .*)", text):
            assert {"--require-hashes", "--no-deps"} <= set(line.split())


def test_both_install_the_same_packages_of_the_distribution(definitions):
    apptainer, docker = (
        sorted(set(text.split("--no-install-recommends ")[1].split("rm -rf")[0].replace("&&", "").split()))
        for text in definitions.values()
    )
    assert apptainer == docker
    assert {"gcc", "libibverbs1", "python3-dev", "python3-venv"} <= set(docker)


def test_what_is_copied_is_there_and_enough_to_build_the_package(root, definitions):
    section = definitions["themis.def"].split("%files\n")[1].split("\n%")[0]
    apptainer = {line.split()[0]: line.split()[1] for line in section.splitlines() if line.strip()}
    docker = {}
    for line in re.findall(r"^COPY (.*)$", definitions["Dockerfile"], re.M):
        *sources, target = line.split()
        docker |= {source: f"{target}{source}" if target.endswith("/") else target for source in sources}
    assert apptainer == docker == {name: f"/opt/themis/{name}" for name in docker}
    assert all((root / name).exists() for name in docker)
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    needed = {
        project["project"]["readme"],
        *project["tool"]["setuptools"]["dynamic"]["dependencies"]["file"],
        "LICENSE",
    }
    assert {name.split("/")[0] for name in needed} | {"pyproject.toml", "themis"} == set(docker)


def test_both_set_the_same(definitions):
    apptainer = dict(re.findall(r"^ *export (\w+)=(.*)$", definitions["themis.def"], re.M))
    docker = re.search(r"^ENV (.*)$", definitions["Dockerfile"], re.M)[1]
    assert {name: shlex.split(value)[0] for name, value in apptainer.items()} == dict(
        word.split("=", 1) for word in shlex.split(docker)
    )


def test_snakemake_finds_the_image_where_its_definition_says_that_it_is_built(root):
    image = re.search(r'^container: "(.*)"$', (root / "Snakefile").read_text(encoding="utf-8"), re.M)[1]
    for path in ("envs/themis.def", "notebooks/howto/install.md"):
        assert f"apptainer build {image} envs/themis.def" in (root / path).read_text(encoding="utf-8")
