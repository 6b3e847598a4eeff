"""NVIDIA's packages beside ours: fetched once, the tests here skip where that is impossible."""

from __future__ import annotations

import importlib.util
import os
from types import ModuleType

import pytest
import torch

from bench.reference import FetchError, NvidiaPackages, fetch
from tests.support.paths import GOLDEN
from tts.pretrained import load


@pytest.fixture(scope="session")
def packages() -> NvidiaPackages:
    try:
        return NvidiaPackages(fetch())
    except FetchError as error:
        # continuous integration sets this: there, a comparison that did not run is a failure
        if os.environ.get("TACOGLOW_REQUIRE_REFERENCE") == "1":
            pytest.fail(f"NVIDIA's packages are required, but: {error}")
        pytest.skip(f"NVIDIA's packages could not be fetched: {error}")


@pytest.fixture(scope="session")
def formula() -> ModuleType:
    """Weights and inputs that are the same everywhere; see there."""
    path = GOLDEN / "formula.py"
    spec = importlib.util.spec_from_file_location("golden_formula", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def ours_with_weights_of(tmp_path_factory):
    """Our network with the weights of theirs, by way of a checkpoint as theirs would write it."""

    def convert(theirs: torch.nn.Module) -> torch.nn.Module:
        path = tmp_path_factory.mktemp("weights") / "theirs.pt"
        torch.save({"state_dict": theirs.state_dict(), "iteration": 1}, path)
        return load(path)

    return convert


@pytest.fixture(scope="session")
def theirs_filled(formula):
    """Fill one of their networks with the formula's weights."""

    def fill(theirs: torch.nn.Module) -> torch.nn.Module:
        shapes = {name: tuple(value.shape) for name, value in theirs.state_dict().items()}
        theirs.load_state_dict(formula.weights(shapes))
        return theirs

    return fill
