"""A decoder step launches no more kernels on a GPU, and waits no more often, than was reached.

The goal was 45 launches forward and backward; before, there were 91, and 35 in speaking.
"""

import pytest
import torch

from bench.counts import GRAPHS, PITCH, launches_of_training, speaking


@pytest.mark.parametrize(
    ("dtype", "most"), [(torch.float32, 33), (torch.bfloat16, 41)], ids=["float32", "bfloat16"]
)
def test_launches_of_a_decoder_step_in_training(dtype, most):
    assert launches_of_training(dtype) <= most


@pytest.mark.parametrize(("options", "most"), [({}, 22), (PITCH, 57.5)], ids=["default", "pitch"])
def test_launches_of_a_decoder_step_in_speaking(options, most):
    assert speaking("launches", options) <= most


def test_eight_steps_of_speaking_wait_once():
    assert speaking("waits") <= 1 / 8


@pytest.mark.slow
def test_graphs_launch_less_than_once_a_step():
    assert launches_of_training(runner="graphs") < 0.5
    assert speaking("launches", GRAPHS) < 3.5
    assert speaking("waits", GRAPHS) <= 1 / 8
