"""Makes small files as NVIDIA's code writes them: pickled modules, lists of layers, wrappers."""

from __future__ import annotations

import importlib.util
import sys
import types
import warnings
from pathlib import Path

import pytest
import torch
import torch.nn.backends.thnn

from tests.support.networks import SMALL_WAVEGLOW, add_noise
from tts.models import Tacotron2, Tacotron2Config, WaveGlow

SMALL_TACOTRON2 = Tacotron2Config(
    n_mels=4,
    symbols_embedding_dim=6,
    encoder_n_convolutions=2,
    encoder_embedding_dim=6,
    attention_rnn_dim=7,
    attention_dim=5,
    attention_location_n_filters=3,
    attention_location_kernel_size=9,
    decoder_rnn_dim=8,
    prenet_dim=5,
    postnet_embedding_dim=6,
    postnet_n_convolutions=3,
)

# Empty classes with the names in NVIDIA's files. They are written to a module on disk, so that they
# have source text, which the older container stores next to the objects.
GLOW = """
import torch

class Invertible1x1Conv(torch.nn.Module):
    pass

class WN(torch.nn.Module):
    pass

class WaveGlow(torch.nn.Module):
    pass
"""
GLOW_OLD_METHOD = """
    def infer(self, k):
        if k%2 == 0:
            return "the first half"
"""
GLOW_NEW_METHOD = """
    def infer(self, audio):
        audio_0 = audio
        return audio_0
"""


class Backend:
    """Is pickled as the attribute that every module had until torch 1.4."""

    def __reduce__(self):
        return torch.nn.backends.thnn._get_thnn_function_backend, ()


@pytest.fixture
def small_waveglow() -> WaveGlow:
    torch.manual_seed(0)
    network = WaveGlow(SMALL_WAVEGLOW)
    add_noise(network)
    return network


@pytest.fixture
def small_tacotron2() -> Tacotron2:
    torch.manual_seed(0)
    network = Tacotron2(SMALL_TACOTRON2)
    with torch.no_grad():
        for tensor in network.state_dict().values():
            tensor.add_(0.1 * torch.rand_like(tensor))
    return network


class GlowFiles:
    """Writes pickled modules whose classes lie in a module that is then removed."""

    alternating = GLOW.rstrip().removesuffix("pass") + GLOW_OLD_METHOD.lstrip()
    ordinary = GLOW.rstrip().removesuffix("pass") + GLOW_NEW_METHOD.lstrip()

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(
        self,
        path: Path,
        state: dict[str, torch.Tensor],
        *,
        stride: int,
        legacy: bool = False,
        module: str = "glow",
        source: str = GLOW,
    ) -> None:
        """Pickle a WaveGlow with these weights; weight norm is on where names end in _g and _v."""
        file = self.folder / f"{module}.py"
        file.write_text(source)
        spec = importlib.util.spec_from_file_location(module, file)
        glow = importlib.util.module_from_spec(spec)
        package = module.rpartition(".")[0]
        modules = {module: glow} | ({package: types.ModuleType(package)} if package else {})
        sys.modules.update(modules)
        try:
            spec.loader.exec_module(glow)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch warns of its old weight_norm
                network = self._module(glow, state, stride)
                for part in network.modules() if legacy else ():
                    part._backend = Backend()
                torch.save(
                    {"model": network, "iteration": 7, "learning_rate": 1e-4},
                    path,
                    _use_new_zipfile_serialization=not legacy,
                )
        finally:
            for name in modules:
                del sys.modules[name]

    def _module(self, glow: object, state: dict[str, torch.Tensor], stride: int) -> torch.nn.Module:
        root = glow.WaveGlow()
        for name, value in state.items():
            *folders, leaf = name.split(".")
            node = root
            for depth, folder in enumerate(folders):
                if folder not in node._modules:
                    last = depth == len(folders) - 1
                    child = self._child(glow, folders[: depth + 1], value, stride, last)
                    node.add_module(folder, child)
                node = node._modules[folder]
            if leaf == "bias":
                node.bias.data = value.clone()
            elif leaf == "weight":
                node.weight.data = value.clone()
            elif leaf == "weight_v":
                node.weight.data = value.clone()
                torch.nn.utils.weight_norm(node)
                node.weight_g.data = state[name[:-1] + "g"].clone()
                with torch.no_grad():
                    node.weight_v.data = value.clone()
        return root

    def _child(
        self, glow: object, path: list[str], value: torch.Tensor, stride: int, last: bool
    ) -> torch.nn.Module:
        if path[-1] == "upsample":
            return torch.nn.ConvTranspose1d(1, 1, 1, stride=stride)
        if last:
            return torch.nn.Conv1d(1, 1, 1, bias=path[0] == "WN")
        if len(path) == 2:
            return glow.WN() if path[0] == "WN" else glow.Invertible1x1Conv()
        return torch.nn.ModuleList()


@pytest.fixture
def glow_files(tmp_path) -> GlowFiles:
    folder = tmp_path / "glow_source"
    folder.mkdir()
    return GlowFiles(folder)


def as_list(fused: dict[str, torch.Tensor], n_layers: int) -> dict[str, torch.Tensor]:
    """Return the list layout, with one conditioning layer for each dilated layer."""
    listed = {}
    for name, value in fused.items():
        if ".cond_layer." in name:
            for i, part in enumerate(value.chunk(n_layers)):
                listed[name.replace(".cond_layer.", f".cond_layers.{i}.")] = part
        else:
            listed[name] = value
    return listed


def as_separate(listed: dict[str, torch.Tensor], n_layers: int) -> dict[str, torch.Tensor]:
    """Return the layout of November 2018, which keeps residual and skip layers apart."""
    separate = {}
    for name, value in listed.items():
        if ".res_skip_layers." not in name:
            separate[name] = value
        elif f".res_skip_layers.{n_layers - 1}." in name:
            separate[name.replace("res_skip", "skip")] = value
        else:
            residual, skip = value.chunk(2)
            separate[name.replace("res_skip", "res")] = residual
            separate[name.replace("res_skip", "skip")] = skip
    return separate


@pytest.fixture
def layouts():
    """Return functions that turn the fused layout into another one, by the name of that layout."""
    n_layers = SMALL_WAVEGLOW.n_layers
    return {
        "fused": lambda state: dict(state),
        "list": lambda state: as_list(state, n_layers),
        "separate": lambda state: as_separate(as_list(state, n_layers), n_layers),
    }
