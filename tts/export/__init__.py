"""Exports the networks for other runtimes, and speaks with an export without torch.

``python -m tts.export`` writes a folder of ONNX or ``torch.export`` files;
:class:`tts.export.runtime.OnnxSynthesizer` speaks with one. This module imports nothing, so that
the runtime needs no torch.
"""
