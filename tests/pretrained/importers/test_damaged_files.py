"""Damage of every kind, in every container and layout, ends in one line or in a network.

The damage is drawn from fixed seeds. Half of it falls where containers keep their tables: at the
beginning and at the end.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.support.checkpoint_files import lightning_checkpoint, write_nemo
from tests.support.thorough import repeats
from tts.core.errors import InputError
from tts.models import Tacotron2, WaveGlow
from tts.pretrained import load, save
from tts.pretrained.importers.nvidia_names import to_nvidia_state_dict

NEMO = """
preprocessor: {nfilt: 3, n_fft: 1024, n_window_size: 1024, n_window_stride: 256, mag_power: 1.0,
  sample_rate: 22050, log_zero_guard_type: clamp, normalize: null, preemph: null}
"""


def write_torch(path: Path, content: dict, container: str) -> None:
    torch.save(content, path, _use_new_zipfile_serialization=container == "zip")


FILES = [
    *(
        f"{kind} {c}"
        for kind in ("pickled", "separate", "tacotron2", "own")
        for c in ("zip", "old")
    ),
    *("nemo tar", "nemo gz", "safetensors"),
]


@pytest.fixture
def write(small_waveglow, small_tacotron2, glow_files, layouts, tmp_path) -> Callable[[str], bytes]:
    """Return the content of a file of that kind."""
    waveglow = WaveGlow(small_waveglow.config, n_flows=1, n_channels=2)
    tacotron2 = Tacotron2(small_tacotron2.config, encoder_n_convolutions=1)

    def content(kind: str) -> bytes:
        path = tmp_path / "whole"
        layout, _, container = kind.partition(" ")
        if layout == "pickled":
            state = layouts["list"](to_nvidia_state_dict(waveglow))
            glow_files.write(path, state, stride=256, legacy=container == "old")
        elif layout == "separate":
            write_torch(
                path, {"state_dict": layouts["separate"](to_nvidia_state_dict(waveglow))}, container
            )
        elif layout == "tacotron2":
            write_torch(path, {"state_dict": to_nvidia_state_dict(tacotron2)}, container)
        elif layout == "own":
            about = {"mel": {"n_mels": waveglow.config.n_mels}, "source": {"file": "old.pt"}}
            write_torch(path, lightning_checkpoint(waveglow, **about), container)
        elif layout == "nemo":
            state = {f"waveglow.{n}": v for n, v in to_nvidia_state_dict(waveglow).items()}
            write_nemo(path, NEMO, state, {"tar": "w", "gz": "w:gz"}[container])
        else:
            save(tacotron2, path, description={"mel": {"n_mels": 4}})
        return path.read_bytes()

    return content


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Return the file with some bytes changed, lost, doubled or inserted, or cut short."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 3))):
        edge = chance.randrange(min(len(changed), 3000))
        place = chance.choice((edge, len(changed) - 1 - edge, chance.randrange(len(changed))))
        length = chance.choice((1, 2, 8, 40))
        match chance.randrange(6):
            case 0 | 1:
                changed[place] ^= 1 << chance.randrange(8)
            case 2:
                changed[place] = chance.choice((0, 46, 127, 128, 255))
            case 3:
                changed[place:] = b""
            case 4:
                changed[place : place + length] = b""
            case _:
                changed[place:place] = changed[place // 2 : place // 2 + length]
        changed = changed or bytearray(b".")
    return bytes(changed)


def is_loaded_or_refused(path: Path) -> bool:
    try:
        load(path)
    except InputError as error:
        return str(path) in str(error) and "\n" not in str(error)
    return True


def mishandled(content: bytes, path: Path, seed: str, times: int) -> list[str]:
    """Return the damages that do not end in a network or in one line, for the message."""
    wrong = []
    for i in range(times):
        path.write_bytes(damaged(content, random.Random(f"{seed} {i}")))
        try:
            if not is_loaded_or_refused(path):
                wrong.append(f"{seed} {i}: not one line that names the file")
        except Exception as error:
            wrong.append(f"{seed} {i}: {type(error).__name__}: {error}")
    return wrong


@pytest.mark.parametrize("kind", FILES)
def test_damaged_file_loads_or_ends_in_one_line(write, tmp_path, kind):
    content = write(kind)
    (tmp_path / "whole copy").write_bytes(content)
    load(tmp_path / "whole copy")
    assert mishandled(content, tmp_path / "x", kind, 10) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", FILES)
def test_much_damage_loads_or_ends_in_one_line(write, tmp_path, kind):
    assert mishandled(write(kind), tmp_path / "x", f"much {kind}", repeats(100, 1000)) == []


STRANGE = {
    "gone": None,
    "flat": lambda value: value.flatten(),
    "scalar": lambda value: value.sum(),
    "deeper": lambda value: value[None],
    "narrow": lambda value: value[..., :1] if value.ndim else value,
    "empty": lambda value: value[:0] if value.ndim else value,
    "whole numbers": lambda value: value.to(torch.int64),
    "no tensor": lambda value: value.tolist(),
}


@pytest.fixture
def states(small_waveglow, small_tacotron2, layouts) -> dict[str, dict[str, torch.Tensor]]:
    """Return state dicts by layout."""
    waveglow = to_nvidia_state_dict(WaveGlow(small_waveglow.config, n_flows=1, n_channels=2))
    found = {name: as_layout(waveglow) for name, as_layout in layouts.items()}
    return {**found, "tacotron2": to_nvidia_state_dict(small_tacotron2)}


def mishandled_weights(state: dict, change: str, names: list[str], path: Path) -> list[str]:
    """Return the weights whose change does not end in a network or in one line."""
    wrong = []
    for name in names:
        changed = {key: value for key, value in state.items() if key != name}
        if STRANGE[change] is not None:
            changed[name] = STRANGE[change](state[name])
        torch.save(changed, path)
        try:
            wrong += [] if is_loaded_or_refused(path) else [f"{name}, {change}"]
        except Exception as error:
            wrong.append(f"{name}, {change}: {type(error).__name__}: {error}")
    return wrong


#: Layout -> weights to which others are joined, or from which sizes are inferred.
LAYOUTS = {
    "fused": [],
    "list": ["WN.0.cond_layers.1.weight_v"],
    "separate": ["WN.0.skip_layers.0.weight_g"],
    "tacotron2": ["decoder.attention_rnn.weight_ih"],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_strange_weights_load_or_end_in_one_line(states, tmp_path, layout):
    state, wrong = states[layout], []
    for change in STRANGE:
        some = random.Random(f"{layout} {change}").sample(list(state), 5)
        wrong += mishandled_weights(state, change, [*LAYOUTS[layout], *some], tmp_path / "x.pt")
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_many_strange_weights_load_or_end_in_one_line(states, tmp_path, layout):
    state, wrong = states[layout], []
    # every third weight with the first change, the ones after them with the second, and so on
    step = repeats(3, 1)
    for first, change in enumerate(STRANGE):
        names = list(state)[first % step :: step]
        wrong += mishandled_weights(state, change, names, tmp_path / "x.pt")
    assert wrong == []
