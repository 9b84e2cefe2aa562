"""The registry of reward models: facts about each, by the name it has in every table and figure."""

from themis.registry.models import ReferenceModel, in_order, known_models, reference_model

__all__ = ["ReferenceModel", "in_order", "known_models", "reference_model"]
