"""``--help``: what Hydra would print, in a third of its time.

Hydra copies the whole search path for each of some sixty groups, its own among them. The template
is that of ``hydra.help.template``; groups come from ``conf/``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from string import Template

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf, open_dict

from tts.config import conf_dir

FLAGS = {"-h", "--help"}


def usage(config_name: str, overrides: Sequence[str] = ()) -> str:
    """What a command prints about itself.

    Args:
        config_name: file in ``conf/``.
        overrides: with which the configuration is shown.
    """
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose(config_name, list(overrides), return_hydra_config=True)
    template = str(cfg.hydra.help.template)
    with open_dict(cfg):
        del cfg["hydra"]
    return Template(template).safe_substitute(
        APP_CONFIG_GROUPS="\n".join(groups(conf_dir())), CONFIG=OmegaConf.to_yaml(cfg)
    )


def groups(folder: Path) -> list[str]:
    """One line for each group of configurations: ``model: tacotron2, waveglow``."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*/**/*.yaml")):
        group = path.parent.relative_to(folder).as_posix()
        # what begins with a line is part of others, and not chosen by itself
        if not path.stem.startswith("_") and group.split("/")[0] != "hydra":
            found.setdefault(group, []).append(path.stem)
    return [f"{group}: {', '.join(names)}" for group, names in found.items()]
