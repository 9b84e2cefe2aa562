"""vLLM's engine on a checkpoint folder, in process, on GPUs or a CPU: for what writes and for what scores."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from themis.errors import Problem

if TYPE_CHECKING:
    from vllm import LLMEngine

    from themis.study.models import Vllm

# Answers go to tables and progress to the terminal; the engine keeps to errors, on stderr, and reports to nobody.
_QUIET = {
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
    "VLLM_NO_USAGE_STATS": "1",
}
# Without a GPU: nothing that outlives this process, and no compilation, which would need a C++ compiler.
_ON_CPU = {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "TORCH_COMPILE_DISABLE": "1"}


def start_engine(
    folder: Path, dtype: str, settings: Vllm, threads: int, *, pooling: bool = False, **arguments: Any
) -> LLMEngine:
    """The engine of a folder's model, which takes token ids and writes, or (`pooling`) gives a classifier's numbers.

    `arguments` are vLLM's own, beside the settings and in their place. Raises Problem where vLLM is not there, or cannot
    run the model with what it is given.
    """
    import torch

    on_cpu = not torch.cuda.is_available()
    if on_cpu:
        torch.set_num_threads(threads)
    _check_devices(settings, 1 if on_cpu else torch.cuda.device_count())
    for name, value in (_QUIET | (_ON_CPU if on_cpu else {})).items():
        os.environ.setdefault(name, value)
    try:
        from vllm import EngineArgs, LLMEngine
        from vllm.usage.usage_lib import UsageContext
    except ImportError as error:
        raise Problem(
            f"vLLM cannot be imported by {sys.executable} ({_said(error)}); make its environment by `make vllm`"
            " and run the command by .venv-vllm/bin/themis"
        ) from None
    if pooling:
        arguments |= _classifying()
    given: dict[str, Any] = {
        "model": str(folder),
        "skip_tokenizer_init": True,
        "load_format": "safetensors",
        "trust_remote_code": False,
        "dtype": dtype,
        "max_model_len": settings.max_context,
        "max_num_seqs": settings.max_sequences,
        "tensor_parallel_size": settings.tensor_parallel,
        "gpu_memory_utilization": settings.memory,
        "enable_prefix_caching": settings.prefix_caching,
        "enforce_eager": settings.eager or on_cpu,
        "disable_log_stats": True,
    }
    try:
        return LLMEngine.from_engine_args(EngineArgs(**given | arguments), usage_context=UsageContext.LLM_CLASS)
    except (ValueError, RuntimeError, OSError, NotImplementedError) as error:
        room = f"vllm.memory {settings.memory} and vllm.max_context {settings.max_context}"
        raise Problem(f"{folder}: vLLM cannot run it with {room}: {_said(error)}") from None


def _classifying() -> dict[str, Any]:
    """The last token's state under the stored head in float32 and nothing after it, whatever a configuration says."""
    from vllm.config import PoolerConfig

    return {
        "runner": "pooling",
        "convert": "classify",
        "pooler_config": PoolerConfig(task="classify", seq_pooling_type="LAST", use_activation=False),
        "hf_overrides": {"head_dtype": "float32", "classifier_from_token": None, "method": None},
    }


def _check_devices(settings: Vllm, devices: int) -> None:
    if settings.tensor_parallel > devices:
        raise Problem(
            f"vllm.tensor_parallel is {settings.tensor_parallel}, more than the devices here ({devices}); lower it"
        )


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
