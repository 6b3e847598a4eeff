"""The sweep file of docs/sweeps.md, as the agent of W&B runs it, is a command that is accepted."""

import re

import pytest
import yaml

from tests.support.paths import REPO
from tts.commands.command_line import hydra_arguments
from tts.config import resolved
from tts.config.files import compose_file
from tts.config.schema import check_training

PAGE = (REPO / "docs" / "sweeps.md").read_text()
(TEXT,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.M | re.S)
SWEEP = yaml.safe_load(TEXT)


def chosen(parameter, number):
    """Return a value that the server of W&B could choose."""
    if "values" in parameter:
        return parameter["values"][number % len(parameter["values"])]
    return parameter["min"] * (parameter["max"] / parameter["min"]) ** (0.37 * number % 1)


def agent_command(values):
    """Return the words that the agent starts, made by its own code."""
    utils = pytest.importorskip("wandb.sdk.launch.sweeps.utils")
    made = utils.create_sweep_command_args({"args": {k: {"value": v} for k, v in values.items()}})
    words = []
    for word in utils.create_sweep_command(SWEEP["command"]):
        words += made.get(word.removeprefix("${").removesuffix("}"), [word])
    return words


@pytest.mark.parametrize("number", range(3))
def test_the_command_of_the_agent_is_accepted(number):
    values = {key: chosen(each, number) for key, each in SWEEP["parameters"].items()}
    env, python, script, *arguments = agent_command(values)
    assert (python, script) == ("python", "train.py")
    assert env in ("${env}", "/usr/bin/env")
    arranged = hydra_arguments(arguments, "train")
    assert not [word for word in arranged if word.startswith("-")]
    config = resolved(compose_file("train", arranged))
    check_training(config)
    assert config["model"]["lr"] == pytest.approx(values["model.lr"])
    assert config["model"]["batch_size"] == values["model.batch_size"]
    assert config["loss"]["guided_weight"] == values["loss.guided_weight"]
    assert "wandb" in config["logger"]


def test_the_file_names_what_a_run_logs():
    assert SWEEP["metric"]["name"] == resolved(compose_file("train", ["data.root=x"]))["monitor"]
    assert SWEEP["project"] == compose_file("train", ["logger=wandb"]).logger.wandb.project
