"""Mel contract of a NeMo configuration, with the defaults of NeMo's own front end.

Its front end pads the wave with zeros and windows it symmetrically: its mels are near NVIDIA's
other ones, not equal to them. What it can do besides (power spectra, normalised features, another
guard against the logarithm of zero) is near nothing here, and what is silently one of these by
default counts as well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from tts.core.errors import InputError, one_line
from tts.pretrained.descriptions import contract_of
from tts.pretrained.importers.nemo import section

NEAR = (
    "NeMo places and windows its frames in another way: its mels are near the contract that is "
    "written here, not equal to it"
)
#: Their field -> what it is if the configuration is silent, and what all contracts here have.
_FIXED: dict[str, tuple[Any, Any]] = {
    "log": (True, True),
    "log_zero_guard_type": ("add", "clamp"),
    "mag_power": (2.0, 1.0),
    "normalize": ("per_feature", None),
    "preemph": (0.97, None),
    "window": ("hann", "hann"),
    "mel_norm": ("slaney", "slaney"),
    "frame_splicing": (1, 1),
}
# two ways of saying that something is off, which theirs takes for the same
_OFF = {"normalize": ("", False, "NA"), "preemph": (0, 0.0)}
_DEFAULT_RATE, _DEFAULT_BANDS, _DEFAULT_FLOOR = 16000, 64, 2**-24
# frame and step in seconds
_DEFAULT_SECONDS = {"window_size": 0.02, "window_stride": 0.01}


class NemoMel(NamedTuple):
    """What a configuration says of its mels.

    Attributes:
        contract: fields of a `tts.audio.MelConfig`; None if it says nothing, or something else.
        problem: why no contract here is what it says.
    """

    contract: dict[str, Any] | None = None
    problem: str | None = None


def mel_contract(config: Mapping[str, Any], network: str, sizes: Mapping[str, Any]) -> NemoMel:
    """Read the mel contract of a configuration.

    Args:
        config: the parsed ``model_config.yaml``.
        network: "Tacotron2" or "WaveGlow".
        sizes: of the network, which the contract has to fit.
    """
    options = section(config, "preprocessor")
    if not options:
        return NemoMel()
    other = [
        f"{name}={_shown(value)}{'' if name in options else ' (by default)'}, here {wanted}"
        for name, (default, wanted) in _FIXED.items()
        if (value := options.get(name, default)) != wanted and value not in _OFF.get(name, ())
    ]
    try:
        if other:
            raise InputError("; ".join(other))
        return NemoMel(contract_of(network, sizes, _fields(options)).to_dict())
    except (TypeError, ValueError, OverflowError) as error:
        reason = one_line(error)
        return NemoMel(
            problem=f"its configuration asks for mels that no contract here describes ({reason}); "
            "its weights can still start a training: train.py init_from=FILE"
        )


def _shown(value: Any) -> str:
    """A value for a message of one line, whatever it is."""
    if isinstance(value, (dict, list)):
        return f"a {type(value).__name__}"
    return " ".join(str(value).split())[:60]


def _fields(options: Mapping[str, Any]) -> dict[str, Any]:
    rate = _number(options, "sample_rate", _DEFAULT_RATE)
    window, hop = _samples(options, "window_size", rate), _samples(options, "window_stride", rate)
    return {
        "sample_rate": rate,
        "n_fft": _number(options, "n_fft") or 2 ** math.ceil(math.log2(window)),
        "hop_length": hop,
        "win_length": window,
        "n_mels": _number(options, "nfilt", _number(options, "features", _DEFAULT_BANDS)),
        "f_min": _number(options, "lowfreq", 0.0),
        "f_max": _number(options, "highfreq", rate / 2),
        "log_floor": _number(options, "log_zero_guard_value", _DEFAULT_FLOOR),
    }


def _samples(options: Mapping[str, Any], name: str, rate: float) -> Any:
    """Length of a frame or step, which they give in samples or in seconds."""
    return _number(options, f"n_{name}") or int(
        _number(options, name, _DEFAULT_SECONDS[name]) * rate
    )


def _number(options: Mapping[str, Any], name: str, default: Any = None) -> Any:
    value = options.get(name)
    if value is None:
        return default
    if isinstance(value, str):  # YAML reads 1e-05 as a word
        value = float(value)
    if type(value) not in (int, float):
        raise TypeError(f"{name}={_shown(value)} is no number")
    return int(value) if value == value // 1 else value
