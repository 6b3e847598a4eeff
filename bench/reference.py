"""Fetches NVIDIA's two repositories from PyPI once, and runs them without CUDA.

No part of them belongs to this project. They are installed in a cache folder of their own, because
their metadata pins old libraries and must not affect ours. They can be imported only inside
``NvidiaPackages.active``, with the few shims that they need: names for CUDA tensors, ``torch.qr``,
``tensorflow``, positional arguments of ``librosa.filters.mel``. Their warnings are silenced there.

The package tacotron2 22.12.28 has the network of NVIDIA/tacotron2 and its English cleaners, but a
symbol table for Polish. ``text_ids`` replaces it with the published one.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import subprocess
import sys
import tempfile
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import torch

# NVIDIA's code needs inflect and its dependencies for numbers in text; this project does not
REQUIREMENTS = (
    "tacotron2==22.12.28",
    "waveglow==22.12.28",
    "inflect==7.5.0",
    "more-itertools==10.8.0",
    "typeguard==4.4.4",
)


class FetchError(Exception):
    """Says why the packages could not be fetched."""


def fetch() -> Path:
    """Install the packages into the cache unless they are there, and return their folder.

    The cache is the folder that the environment variable TACOGLOW_REFERENCE_DIR names, else
    ~/.cache/tacoglow/reference. Several processes can do this at the same time: each installs into
    a folder of its own, and the first one that renames its folder wins.

    Raises:
        FetchError: pip failed, or the cache cannot be written.
    """
    default = Path.home() / ".cache" / "tacoglow" / "reference"
    cache = Path(os.environ.get("TACOGLOW_REFERENCE_DIR") or default)
    folder = cache / hashlib.sha256(" ".join(REQUIREMENTS).encode()).hexdigest()[:12]
    if folder.is_dir():
        return folder
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, ignore_cleanup_errors=True) as part:
            _install(Path(part) / "packages")
            try:
                os.rename(Path(part) / "packages", folder)
            except OSError:
                if not folder.is_dir():
                    raise
    except OSError as error:
        raise FetchError(f"{cache}: {error}") from error
    return folder


def _install(target: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-input", "--retries", "1", "--no-deps", "--no-compile"]
    try:
        subprocess.run(
            [*command, "--target", str(target), *REQUIREMENTS],
            check=True,
            timeout=240,
            capture_output=True,
            text=True,
        )
    except subprocess.TimeoutExpired as error:
        raise FetchError("pip did not finish in 240 s") from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or ["no message"]
        raise FetchError(f"pip: {lines[-1]}") from error


class NvidiaPackages:
    """Gives access to NVIDIA's modules, which can be imported inside ``active`` only.

    Args:
        folder: folder of the packages, from :func:`fetch`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._modules: dict[str, types.ModuleType] = {"tensorflow": types.ModuleType("tensorflow")}

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        """Make the packages importable, with shims, and undo all changes afterwards."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            for patch in _shims():
                stack.enter_context(patch)
            stack.enter_context(mock.patch.object(sys, "path", [self._folder, *sys.path]))
            before = dict(sys.modules)
            sys.modules.update(self._modules)
            try:
                yield
            finally:
                new = {name: sys.modules[name] for name in set(sys.modules) - set(before)}
                self._modules |= {name: m for name, m in new.items() if self._is_theirs(m)}
                for name in self._modules:
                    sys.modules.pop(name, None)
                sys.modules.update({n: before[n] for n in self._modules if n in before})

    def _is_theirs(self, module: types.ModuleType) -> bool:
        file = getattr(module, "__file__", None)  # None for folders without __init__.py
        places = [file] if file else list(getattr(module, "__path__", []))
        return any(str(place).startswith(self._folder) for place in places)

    def module(self, name: str) -> Any:
        """Import one of NVIDIA's modules; call this inside ``active``."""
        return importlib.import_module(name)

    def tacotron2(self, **sizes: Any) -> torch.nn.Module:
        """Return NVIDIA's Tacotron 2 in eval mode.

        Args:
            **sizes: NVIDIA's hyper-parameters, for example n_mel_channels.
        """
        with self.active():
            hparams = self.module("tacotron2.hparams").create_hparams()
            unknown = set(sizes) - set(hparams)
            assert not unknown, unknown
            hparams.update({"n_symbols": 148, **sizes})
            network: torch.nn.Module = self.module("tacotron2.model").Tacotron2(hparams)
            return network.eval()

    def waveglow(self, **arguments: Any) -> torch.nn.Module:
        """Return NVIDIA's WaveGlow in eval mode."""
        with self.active():
            network: torch.nn.Module = self.module("waveglow.glow").WaveGlow(**arguments)
            return network.eval()

    def symbols(self) -> list[str]:
        """Return the published table of 148 symbols, with the phones of NVIDIA's dictionary."""
        with self.active():
            phones = self.module("tacotron2.text.cmudict").valid_symbols
        letters = [chr(ord(first) + i) for first in "Aa" for i in range(26)]
        return ["_", "-", *"!'(),.:;? ", *letters, *("@" + phone for phone in phones)]

    def text_ids(self, *texts: str) -> list[list[int]]:
        """Encode texts with NVIDIA's front end, ``english_cleaners`` and the published table."""
        table = {symbol: i for i, symbol in enumerate(self.symbols())}
        with self.active():
            front_end = self.module("tacotron2.text")
            with mock.patch.object(front_end, "_symbol_to_id", table):
                return [front_end.text_to_sequence(text, ["english_cleaners"]) for text in texts]


def _shims() -> list[Any]:
    """Return the patches that NVIDIA's code needs without CUDA and with current libraries."""
    from librosa import filters

    librosa_mel = filters.mel

    def mel(sr: int, n_fft: int, n_mels: int, fmin: float, fmax: float) -> Any:
        return librosa_mel(sr=sr, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax)

    def same(self: Any, *_: Any, **__: Any) -> Any:
        return self

    return [
        mock.patch.object(torch.cuda, "LongTensor", torch.LongTensor),
        mock.patch.object(torch.cuda, "FloatTensor", torch.FloatTensor),
        mock.patch.object(torch.Tensor, "cuda", same),
        mock.patch.object(torch.nn.Module, "cuda", same),
        mock.patch.object(torch, "qr", torch.linalg.qr, create=True),
        mock.patch.object(filters, "mel", mel),
    ]
