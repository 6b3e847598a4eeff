"""Lists the published checkpoints: their names in this project, and their addresses.

The last entries come with the package, in ``tts/voices``.

The addresses are those that the projects publish. No project publishes a hash, so `sha256` stays
unknown until a user who has the file reports it. Until then the download keeps the hash of the
first file that arrived (see `tts.core.download`). Sizes are given where they are known.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tts.core.errors import LONGEST_NAME, InputError, printable_name

_DRIVE = "https://drive.usercontent.google.com/download?export=download&confirm=t&id="
_NGC = "https://api.ngc.nvidia.com/v2/models/nvidia/"
_TORCHAUDIO = "https://download.pytorch.org/torchaudio/models/"

#: Mel contract of torchaudio's WaveRNN. No WaveGlow was trained on such spectrograms.
_WAVERNN_MEL = MappingProxyType(
    {"n_fft": 2048, "hop_length": 275, "win_length": 1100, "f_min": 40.0, "f_max": 11025.0}
)


@dataclass(frozen=True)
class Published:
    """Describes one published checkpoint file.

    Attributes:
        name: the name that a user types.
        file: name of the file in the cache.
        urls: addresses, the first choice first; none if the file comes with the package.
        network: "Tacotron2" or "WaveGlow".
        note: a remark that helps to choose the file.
        mel: fields of its mel contract that differ from NVIDIA's.
        alternate_halves: whether the couplings of a WaveGlow transform the two halves in turn, for
            a file that does not say so; None where the layout of the file says it.
        sha256: hexadecimal; None where it is unknown.
        size: in bytes; None where it is unknown.
    """

    name: str
    file: str
    urls: tuple[str, ...]
    network: str
    note: str
    mel: Mapping[str, Any] = field(default_factory=dict)
    alternate_halves: bool | None = None
    sha256: str | None = None
    size: int | None = None


def find(name: str) -> Published | None:
    """Look up a name; return None for a text that looks like a path.

    Raises:
        InputError: the name is misspelt; the message has the nearest names.
    """
    if name in CATALOGUE:
        return CATALOGUE[name]
    if "/" in name or "\\" in name or "." in name:
        return None
    close = difflib.get_close_matches(name[:LONGEST_NAME], CATALOGUE, n=3) or list(CATALOGUE)
    raise InputError(
        f"{printable_name(name)}: no such checkpoint file, and no published one of that name; "
        f"did you mean {', '.join(close)}?"
    )


def _drive(name: str, file: str, key: str, network: str, note: str, **more: Any) -> Published:
    return Published(name, file, (_DRIVE + key,), network, note, **more)


def _ngc(name: str, path: str, network: str, note: str, **more: Any) -> Published:
    return Published(name, path.rpartition("/")[2], (_NGC + path,), network, note, **more)


def _torchaudio(name: str, kind: str, note: str, **more: Any) -> Published:
    file = f"tacotron2_english_{kind}_ljspeech.pth"
    return Published(name, file, (_TORCHAUDIO + file,), "Tacotron2", note, **more)


def _own(name: str, network: str, note: str) -> Published:
    return Published(name, f"{name}.safetensors", (), network, note)


_ALL = (
    _drive(
        "tacotron2",
        "tacotron2_statedict.pt",
        "1c5ZTuT7J08wLUoVZ2KkUs_VdZuJ86ZqA",
        "Tacotron2",
        "NVIDIA/tacotron2; since 2025 the link asks for access",
    ),
    _drive(
        "waveglow_old",
        "waveglow_old.pt",
        "1cjKPHbtAMh_4HTHmuIGNkbOkPBD9qwhj",
        "WaveGlow",
        "first release, 512 channels, alternating halves, 2.1 GB",
        alternate_halves=True,
    ),
    _drive(
        "waveglow_256channels",
        "waveglow_256channels.pt",
        "1WsibBTsuRg_SF2Z6L6NFRTT-NjEy1oTx",
        "WaveGlow",
        "March 2019, layout B",
        size=675_869_623,
    ),
    _ngc(
        "waveglow_ljs_v2",
        "waveglow_ljs_256channels/versions/2/files/waveglow_256channels_ljs_v2.pt",
        "WaveGlow",
        "LJ Speech",
    ),
    _ngc(
        "waveglow_ljs_v3",
        "waveglow_ljs_256channels/versions/3/files/waveglow_256channels_ljs_v3.pt",
        "WaveGlow",
        "LJ Speech, October 2019, layout C",
    ),
    _drive(
        "waveglow_universal_v4",
        "waveglow_256channels_universal_v4.pt",
        "1Rm5rV5XaWWiUbIpg5385l5sh68z2bVOE",
        "WaveGlow",
        "several speakers, layout C",
    ),
    _drive(
        "waveglow_universal_v5",
        "waveglow_256channels_universal_v5.pt",
        "1rpK8CzAAirq9sWZhe9nlfvxMF1dRgFbF",
        "WaveGlow",
        "several speakers, May 2020, layout C",
    ),
    _ngc(
        "dle_tacotron2_fp16",
        "tacotron2_pyt_ckpt_amp/versions/19.09.0/files/nvidia_tacotron2pyt_fp16_20190427",
        "Tacotron2",
        "DeepLearningExamples, trained in mixed precision",
    ),
    _ngc(
        "dle_tacotron2_fp32",
        "tacotron2_pyt_ckpt_fp32/versions/19.09.0/files/nvidia_tacotron2pyt_fp32_20190427",
        "Tacotron2",
        "DeepLearningExamples; torch.hub's nvidia_tacotron2",
    ),
    _ngc(
        "dle_waveglow_fp16",
        "waveglow_ckpt_amp/versions/19.09.0/files/nvidia_waveglowpyt_fp16_20190427",
        "WaveGlow",
        "DeepLearningExamples, 512 channels, layout B",
        alternate_halves=False,
    ),
    _ngc(
        "dle_waveglow_fp32",
        "waveglow_ckpt_fp32/versions/19.09.0/files/nvidia_waveglowpyt_fp32_20190427",
        "WaveGlow",
        "DeepLearningExamples, 512 channels, layout B; torch.hub's nvidia_waveglow",
        alternate_halves=False,
    ),
    _ngc(
        "dle_waveglow_fp32_20190306",
        "waveglowpyt_fp32/versions/1/files/nvidia_waveglowpyt_fp32_20190306.pth",
        "WaveGlow",
        "DeepLearningExamples, 512 channels, layout B",
        alternate_halves=False,
    ),
    _ngc(
        "dle_waveglow_256_19.10",
        "waveglow_ckpt_amp_256/versions/19.10.0/files/nvidia_waveglow256pyt_fp16",
        "WaveGlow",
        "DeepLearningExamples, 256 channels, layout B",
        alternate_halves=False,
    ),
    _ngc(
        "dle_waveglow_256",
        "waveglow_ckpt_amp_256/versions/20.01.0/files/nvidia_waveglow256pyt_fp16.pt",
        "WaveGlow",
        "DeepLearningExamples, 256 channels, layout B",
        alternate_halves=False,
    ),
    _ngc(
        "nemo_tacotron2",
        "nemo/tts_en_tacotron2/versions/1.10.0/files/tts_en_tacotron2.nemo",
        "Tacotron2",
        "NeMo; phones: write them in braces",
    ),
    _ngc(
        "nemo_waveglow",
        "nemo/tts_waveglow_88m/versions/1.0.0/files/tts_waveglow.nemo",
        "WaveGlow",
        "NeMo, 256 channels",
    ),
    _torchaudio(
        "torchaudio_characters", "characters_1500_epochs", "38 symbols: letters and punctuation"
    ),
    _torchaudio(
        "torchaudio_phonemes", "phonemes_1500_epochs", "96 symbols: phones, write them in braces"
    ),
    _torchaudio(
        "torchaudio_characters_wavernn",
        "characters_1500_epochs_wavernn",
        "38 symbols; mels of a WaveRNN: speak with vocoder=griffin_lim",
        mel=_WAVERNN_MEL,
    ),
    _torchaudio(
        "torchaudio_phonemes_wavernn",
        "phonemes_1500_epochs_wavernn",
        "96 symbols; mels of a WaveRNN: speak with vocoder=griffin_lim",
        mel=_WAVERNN_MEL,
    ),
    _own("voice_acoustic", "Tacotron2", "comes with the package: docs/voice.md"),
    _own("voice_vocoder", "WaveGlow", "comes with the package: docs/voice.md"),
)
CATALOGUE: Mapping[str, Published] = MappingProxyType({entry.name: entry for entry in _ALL})
