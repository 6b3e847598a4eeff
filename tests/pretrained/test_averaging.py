"""Averages checkpoints of one training."""

import pytest
import torch

from tts import pretrained
from tts.commands.pretrained import main
from tts.core.errors import InputError
from tts.models import Tacotron2
from tts.pretrained.averaging import average
from tts.text import Tokenizer


@pytest.fixture
def files(small_tacotron2, tmp_path):
    """Write two checkpoints, as of one training."""
    paths = []
    for number in range(2):
        network = Tacotron2(small_tacotron2.config)
        path = tmp_path / f"{number}.safetensors"
        pretrained.save(network, path, description={"tokenizer": None, "corpus": f"C{number}"})
        paths.append(path)
    return paths


def test_every_weight_is_the_mean(files, tmp_path):
    (line,) = average(files, tmp_path / "mean.safetensors")
    assert line.endswith("mean.safetensors: the mean of 2 checkpoints, as safetensors")
    first, second, mean = (
        pretrained.load(path).state_dict() for path in (*files, tmp_path / "mean.safetensors")
    )
    for name, value in mean.items():
        torch.testing.assert_close(value, (first[name] + second[name]) / 2)
    assert any(not torch.equal(first[name], second[name]) for name in mean)
    assert pretrained.describe(tmp_path / "mean.safetensors")["corpus"] == "C1"


def test_the_order_of_the_files_does_not_matter(files, tmp_path):
    average(files, tmp_path / "a.safetensors")
    average(files[::-1], tmp_path / "b.safetensors")
    states = [pretrained.load(tmp_path / f"{name}.safetensors").state_dict() for name in "ab"]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_one_alone_is_refused(files, tmp_path, capsys):
    assert main(["average", str(files[0]), str(tmp_path / "mean.safetensors")]) == 2
    assert "name two checkpoints or more" in capsys.readouterr().err
    assert not (tmp_path / "mean.safetensors").exists()


@pytest.mark.parametrize(
    ("sizes", "part"), [({"n_speakers": 2}, "network_config"), ({}, "tokenizer")]
)
def test_others_are_refused(sizes, part, files, small_tacotron2, tmp_path):
    other = tmp_path / "other.safetensors"
    tokenizer = None if sizes else Tokenizer().to_dict()
    network = Tacotron2(small_tacotron2.config, **sizes)
    pretrained.save(network, other, description={"tokenizer": tokenizer})
    message = rf"other\.safetensors: {part} differs from the first checkpoint's; average "
    with pytest.raises(InputError, match=message):
        average([files[0], other], tmp_path / "mean.safetensors")
