"""Reads the mel contract of a NeMo configuration, with the defaults of NeMo's own front end.

NeMo's front end pads the wave with zeros and uses a symmetric window: its mels are near those of
NVIDIA's other projects, not equal to them. Its other options (power spectra, normalised features,
another guard against the logarithm of zero) give mels that no contract here describes. They also
count where the configuration does not name them and NeMo's default is one of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from tts.core.errors import InputError, one_line
from tts.pretrained.descriptions import contract_of
from tts.pretrained.importers.nemo_config import section

#: What the user should know about a network that was trained on NeMo's mels.
NEAR = (
    "NeMo places and windows its frames in another way: its mels are near the contract that is "
    "written here, not equal to it"
)
#: NeMo's field -> its value if the configuration does not name it, and that of all contracts here.
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
# values that NeMo, too, takes as "off"
_OFF = {"normalize": ("", False, "NA"), "preemph": (0, 0.0)}
_DEFAULT_RATE, _DEFAULT_BANDS, _DEFAULT_FLOOR = 16000, 64, 2**-24
# frame and step in seconds
_DEFAULT_SECONDS = {"window_size": 0.02, "window_stride": 0.01}


class NemoMel(NamedTuple):
    """Holds what a configuration says about its mels.

    Attributes:
        contract: fields of a `tts.audio.MelConfig`; None if the configuration says nothing about
            mels, or asks for others.
        problem: the reason why no contract here describes the mels, or None.
    """

    contract: dict[str, Any] | None = None
    problem: str | None = None


def mel_contract(config: Mapping[str, Any], network: str, sizes: Mapping[str, Any]) -> NemoMel:
    """Read the mel contract of a configuration.

    Args:
        config: the parsed ``model_config.yaml``.
        network: "Tacotron2" or "WaveGlow".
        sizes: fields of the network's config, which the contract has to fit.
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
    """Return any value as text for a message of one line."""
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
    """Return the length of a frame or step, which NeMo gives in samples or in seconds."""
    return _number(options, f"n_{name}") or int(
        _number(options, name, _DEFAULT_SECONDS[name]) * rate
    )


def _number(options: Mapping[str, Any], name: str, default: Any = None) -> Any:
    value = options.get(name)
    if value is None:
        return default
    if isinstance(value, str):  # YAML reads 1e-05 as text
        value = float(value)
    if type(value) not in (int, float):
        raise TypeError(f"{name}={_shown(value)} is no number")
    return int(value) if value == value // 1 else value
