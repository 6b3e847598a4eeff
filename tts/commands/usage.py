"""Prints what Hydra would print for ``--help``, in a third of its time.

Hydra copies the whole search path for each of some sixty groups, its own included. The template is
in ``conf/hydra/help``; the list of groups comes from the folders of ``conf/``.
"""

from __future__ import annotations

from collections.abc import Sequence
from string import Template

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf, open_dict

from tts.config import conf_dir

FLAGS = {"-h", "--help"}


def usage(config_name: str, overrides: Sequence[str] = ()) -> str:
    """Return the help text of a command.

    Args:
        config_name: the name of a file in ``conf/``.
        overrides: for the configuration that the text shows.
    """
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose(config_name, list(overrides), return_hydra_config=True)
    template = str(cfg.hydra.help.template)
    with open_dict(cfg):
        del cfg["hydra"]
    return Template(template).safe_substitute(
        APP_CONFIG_GROUPS="\n".join(
            f"{group}: {', '.join(names)}" for group, names in option_groups().items()
        ),
        CONFIG=OmegaConf.to_yaml(cfg),
    )


def option_groups() -> dict[str, list[str]]:
    """Return the names that each group of configurations offers."""
    folder = conf_dir()
    options: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*/**/*.yaml")):
        group = path.parent.relative_to(folder).as_posix()
        # a name that begins with _ is a part of other files, and not an option
        if not path.stem.startswith("_") and group.split("/")[0] != "hydra":
            options.setdefault(group, []).append(path.stem)
    return options
