"""The registry of reward models: facts about each, by the name it has in every table and figure."""

from themis.registry.memory import gpus_needed, memory_needed
from themis.registry.models import ReferenceModel, in_order, known_models, reference_model

__all__ = ["ReferenceModel", "gpus_needed", "in_order", "known_models", "memory_needed", "reference_model"]
