"""Composes the configuration with Hydra, quotes overrides, and checks values."""

from tts.config.building import build_object
from tts.config.composition import compose, flattened, resolved
from tts.config.files import conf_dir, register_resolvers

__all__ = ["build_object", "compose", "conf_dir", "flattened", "register_resolvers", "resolved"]
