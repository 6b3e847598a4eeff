"""Networks for other runtimes: ONNX and ``torch.export`` files, and a runner without torch.

``python -m tts.export`` writes a folder, :class:`tts.export.runtime.OnnxSynthesizer` speaks with
it. Nothing is imported here, so that the runner gets by without torch.
"""
