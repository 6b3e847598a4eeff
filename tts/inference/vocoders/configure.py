"""Applies the vocoder settings among the options of a text to a vocoder."""

from __future__ import annotations

from tts.core.errors import InputError
from tts.inference.options import Options
from tts.inference.vocoders.griffin_lim import GriffinLimVocoder, Vocoder
from tts.inference.vocoders.waveglow import WaveGlowVocoder


def configure_vocoder(vocoder: Vocoder, options: Options) -> Vocoder:
    """Return the vocoder with the settings that the options contain.

    Raises:
        InputError: the vocoder does not have such a setting.
    """
    settings = (options.sigma, options.denoiser, options.denoiser_mode, options.polish)
    needs_waveglow = any(value is not None for value in settings)
    sharpness = options.sharpness
    if isinstance(vocoder, WaveGlowVocoder) and (needs_waveglow or sharpness is not None):
        return vocoder.with_settings(*settings, sharpness)
    if needs_waveglow:
        raise InputError(
            "sigma, denoiser, denoiser_mode and polish are settings of WaveGlow; this vocoder "
            "has none"
        )
    if sharpness is None:
        return vocoder
    if not isinstance(vocoder, GriffinLimVocoder):
        raise InputError(
            "sharpness is a setting of Griffin-Lim and WaveGlow; this vocoder has none"
        )
    return vocoder.with_sharpness(sharpness)
