"""A language model made ready: a plain Hugging Face folder from a package, from the hub or from another folder."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

from themis.errors import Problem
from themis.generation.checkpoint import weight_files
from themis.records.folders import put_in_place

# What a checkpoint folder is made of. No code unless asked for, and no pickled weights, which run code when read.
_PATTERNS = ("*.safetensors", "*.json", "*.jinja", "*.model", "vocab.txt", "merges.txt")
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt")


def prepare(
    out: Path,
    *,
    package: str | None = None,
    file: str | None = None,
    hub: str | None = None,
    revision: str | None = None,
    path: Path | None = None,
    needs_template: bool = True,
    code: bool = False,
) -> None:
    """Make `out` a checkpoint folder: config.json, safetensors, tokenizer and chat template; the same bytes each time.

    Exactly one source is given: a Python package and the GGUF file it carries (made float32), a hub id and its
    revision, or a folder. `out` appears whole, in place of a checkpoint that was there. `code` takes the Python files of
    a model that is nothing without them along; they are not run here. Raises Problem where a source is missing,
    incomplete, pickled or out of reach, or without a chat template where one is needed.
    """
    if sum(source is not None for source in (package, hub, path)) != 1:
        raise Problem(f"{out}: give exactly one of --package, --hub and --path")
    if (package is None) != (file is None):
        raise Problem(f"{out}: --package and --file go together: a Python package and the GGUF file it carries")
    with _whole_folder(Path(out)) as folder:
        if package is not None and file is not None:
            _from_gguf(_gguf_in(package, file), folder)
        elif hub is not None:
            _from_hub(hub, revision, folder, code=code)
        elif path is not None:
            _from_folder(Path(path), folder, code=code)
        if not code:  # a tokenizer that is code is read where it may be run
            _check_tokenizer(folder, out, needs_template=needs_template)


@contextmanager
def _whole_folder(out: Path) -> Iterator[Path]:
    if out.exists() and not _may_go(out):
        raise Problem(f"{out}: exists and is no checkpoint; choose another place or remove it")
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".part", dir=out.parent))
    try:
        yield folder
        folder.chmod(0o755)
        for file in folder.iterdir():
            file.chmod(0o644)
        put_in_place(folder, out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _may_go(out: Path) -> bool:
    """Whether a place is an empty folder, a checkpoint, or one without its config.json: Snakemake removes that, the
    output it knows of, where a run was killed before it had noted that the step was done."""
    if not out.is_dir():
        return False
    entries = list(out.iterdir())
    known = all(any(fnmatch(entry.name, pattern) for pattern in _patterns(True)) for entry in entries)
    return not entries or (out / "config.json").is_file() or (known and bool(weight_files(out)))


def _gguf_in(package: str, file: str) -> Path:
    """The file in an installed package, which is found but not imported: its code never runs."""
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or spec.origin is None:
        raise Problem(f"package {package} is not installed here; install it, or name another source of weights")
    folder = Path(spec.origin).parent
    carried = sorted(folder.rglob("*.gguf"))
    for candidate in carried:
        if candidate.name == file:
            return candidate
    names = ", ".join(candidate.name for candidate in carried) or "none"
    raise Problem(f"package {package} carries no file {file}; its GGUF files: {names}")


def _from_gguf(gguf: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name, local_files_only=True)
        model = AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, dtype=torch.float32, local_files_only=True
        )
    except Exception as error:  # the reader raises whatever a broken file leads it to
        raise Problem(f"{gguf.name}: not a GGUF file transformers can read: {_said(error)}") from None
    # The weights are plain now; what is left of their quantisation would make the saved folder unreadable.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.hf_quantizer, model.is_quantized = None, False
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _from_hub(hub: str, revision: str | None, folder: Path, *, code: bool) -> None:
    from huggingface_hub import snapshot_download

    try:
        snapshot_download(hub, revision=revision, allow_patterns=list(_patterns(code)), local_dir=folder)
    except (
        Exception
    ) as error:  # no network, no such model, no access: huggingface_hub and its HTTP client differ in kind
        where = f"{hub} at {revision}" if revision else hub
        raise Problem(f"{where}: cannot be fetched from the hub: {_said(error)}; use --path for a local copy") from None
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
    _check_weights(folder, hub)


def _from_folder(source: Path, folder: Path, *, code: bool) -> None:
    if not source.is_dir():
        raise Problem(f"{source}: no such folder")
    _check_weights(source, str(source))
    for pattern in _patterns(code):
        for file in sorted(source.glob(pattern)):
            shutil.copyfile(file, folder / file.name)


def _patterns(code: bool) -> tuple[str, ...]:
    return (*_PATTERNS, "*.py") if code else _PATTERNS


def _check_weights(folder: Path, name: str) -> None:
    if not (folder / "config.json").is_file():
        raise Problem(f"{name}: no config.json; this is no Hugging Face checkpoint")
    if not weight_files(folder):
        pickled = sorted(file.name for pattern in _PICKLED for file in folder.glob(pattern))
        found = f"only pickled weights ({pickled[0]}), which are never read" if pickled else "no weights"
        raise Problem(f"{name}: {found}; a checkpoint with *.safetensors is needed")


def _check_tokenizer(folder: Path, out: Path, *, needs_template: bool) -> None:
    from themis.prompting.chat import Chat

    try:
        Chat.load(folder, needs_template=needs_template)
    except Problem as problem:
        raise Problem(str(problem).replace(str(folder), str(out))) from None
    except Exception as error:  # a broken tokenizer file raises anything
        raise Problem(f"{out}: its tokenizer cannot be read: {_said(error)}") from None


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
