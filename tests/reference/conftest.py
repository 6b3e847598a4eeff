"""Fetches NVIDIA's packages once; the tests in this folder are skipped if that fails."""

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
        # continuous integration sets this, so that a comparison that did not run is a failure
        if os.environ.get("TACOGLOW_REQUIRE_REFERENCE") == "1":
            pytest.fail(f"NVIDIA's packages are required, but: {error}")
        pytest.skip(f"NVIDIA's packages could not be fetched: {error}")


@pytest.fixture(scope="session")
def formula() -> ModuleType:
    """Return the module that computes weights and inputs, see tests/golden/formula.py."""
    path = GOLDEN / "formula.py"
    spec = importlib.util.spec_from_file_location("golden_formula", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def ours_with_weights_of(tmp_path_factory):
    """Makes our network with the weights of NVIDIA's, from a checkpoint in NVIDIA's format."""

    def convert(theirs: torch.nn.Module) -> torch.nn.Module:
        path = tmp_path_factory.mktemp("weights") / "theirs.pt"
        torch.save({"state_dict": theirs.state_dict(), "iteration": 1}, path)
        return load(path)

    return convert


@pytest.fixture(scope="session")
def theirs_filled(formula):
    """Fills one of NVIDIA's networks with the formula's weights."""

    def fill(theirs: torch.nn.Module) -> torch.nn.Module:
        shapes = {name: tuple(value.shape) for name, value in theirs.state_dict().items()}
        theirs.load_state_dict(formula.weights(shapes))
        return theirs

    return fill
