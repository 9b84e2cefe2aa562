"""themis: a reproducible research kit for multilingual, multi-criteria code reward models."""

__version__ = "0.1.0"
