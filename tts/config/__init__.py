"""The configuration: how Hydra composes it, how overrides are quoted, what is legal."""

from tts.config.composition import compose, conf_dir, flattened, register_resolvers, resolved

__all__ = ["compose", "conf_dir", "flattened", "register_resolvers", "resolved"]
