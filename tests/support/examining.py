"""Lets the doctor examine a folder in the layout of LJ Speech, in the process of the test."""

from __future__ import annotations

import json
from functools import cache

import yaml
from omegaconf import OmegaConf

from tts.commands.doctor import doctor
from tts.config import compose, resolved


@cache
def composed(*groups):
    """Composing takes longer than an examination of so small a corpus."""
    return compose(["data=ljspeech", *groups], "doctor")


def examined_config(root, output, *options):
    """Return the configuration of an examination, resolved."""
    paths = [f"data.root={root}", f"doctor.output={output}", f"paths.data_dir={output}/data"]
    groups = [option for option in options if "." not in option.split("=")[0]]
    config = composed(*groups).copy()
    for option in [*paths, *options]:
        if option not in groups:
            key, value = option.split("=")
            OmegaConf.update(config, key, yaml.safe_load(value))
    return resolved(config)


def examined(root, output, *options):
    """Return the exit status, and the content of doctor.json."""
    status = doctor(examined_config(root, output, *options))
    return status, json.loads((output / "doctor.json").read_text(encoding="utf-8"))
