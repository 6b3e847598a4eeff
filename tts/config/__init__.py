"""Composes the configuration with Hydra, quotes overrides, and checks values."""

from tts.config.composition import compose, conf_dir, flattened, register_resolvers, resolved

__all__ = ["compose", "conf_dir", "flattened", "register_resolvers", "resolved"]
