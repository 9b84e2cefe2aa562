"""The families of reward models, by name: which loader makes a scorer of a model's line."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from themis.errors import Problem
from themis.prompting.criteria import criteria_of
from themis.score.options import ScorerOptions
from themis.score.protocol import Scorer
from themis.study.models import check_backend
from themis.vocabulary import CODE_CRITERIA

# Module and function, imported when asked for; the function takes `ScorerOptions`.
FAMILIES = {
    "sequence_classifier": "themis.score.sequence_classifier:load",
    "ultra": "themis.score.scalar.last_state:load_ultra",
    "eurus": "themis.score.scalar.last_state:load_eurus",
    "athene": "themis.score.scalar.last_state:load_athene",
    "starling": "themis.score.scalar.last_state:load_starling",
    "inform": "themis.score.scalar.last_state:load_inform",
    "acecode": "themis.score.scalar.last_state:load_acecode",
    "grm": "themis.score.scalar.last_state:load_grm",
    "nemotron": "themis.score.scalar.last_state:load_nemotron",
    "armo": "themis.score.scalar.gated:load_armo",
    "qrm_llama": "themis.score.scalar.gated:load_qrm_llama",
    "qrm": "themis.score.scalar.gated:load_qrm",
    "ldl": "themis.score.scalar.label_distribution:load",
    "internlm": "themis.score.scalar.internlm:load",
    "remote_code": "themis.score.scalar.remote_code:load",
    "untrained_head": "themis.score.untrained_head:load",
    "judge": "themis.score.judge:load",
    "cerm": "themis.score.generative.cerm:load",
    "genrm": "themis.score.generative.genrm:load",
    "lmunit": "themis.score.generative.lmunit:load",
    "r3": "themis.score.generative.r3:load",
    "perplexity": "themis.score.perplexity:load",
    "random": "themis.score.baselines:load_random",
    "length": "themis.score.baselines:load_length",
}


def scorer_for(
    family: str,
    *,
    name: str,
    checkpoint: Path | None,
    prompt_mode: str,
    max_tokens: int,
    batch_tokens: int,
    dtype: str,
    threads: int,
    seed: int,
    cache: Path | None,
    share_prefix: bool = True,
    trust_remote_code: bool = False,
    truncation: str = "refuse",
    protocol: str = "exact",
    scoring: str | None = None,
    reply_tokens: int | None = None,
    backend: str = "transformers",
    settings: str | None = None,
) -> Scorer:
    """The scorer of a model.

    `max_tokens` bounds prompt and response under a head; a judge, which reads both responses, is bounded by its context.
    Raises Problem for an unknown name, a back end that does not run the family, a checkpoint too few or too many, or a
    bad one.
    """
    if family not in FAMILIES:
        raise Problem(f"model {name}: family {family} is none of {', '.join(FAMILIES)}")
    criteria_of(prompt_mode, CODE_CRITERIA[0])  # refuses what is no mode
    try:
        check_backend(f"model {name}", family, backend)
    except ValueError as error:
        raise Problem(str(error)) from None
    module, _, loader = FAMILIES[family].partition(":")
    scorer: Scorer = getattr(import_module(module), loader)(
        ScorerOptions(
            name=name,
            checkpoint=checkpoint,
            prompt_mode=prompt_mode,
            max_tokens=max_tokens,
            batch_tokens=batch_tokens,
            dtype=dtype,
            threads=threads,
            seed=seed,
            cache=cache,
            share_prefix=share_prefix,
            trust_remote_code=trust_remote_code,
            truncation=truncation,
            protocol=protocol,
            scoring=scoring,
            reply_tokens=reply_tokens,
            backend=backend,
            settings=settings,
        )
    )
    return scorer
