"""Importers read checkpoint files of other projects without running code from them.

``containers`` opens a file, with ``stubs`` for pickled modules and ``nemo_archive``
for NeMo's tar. ``nvidia`` then makes a checkpoint of what the file holds: ``dialects``, ``layouts``
and ``nvidia_names`` bring the weights under this project's names, ``sizes``, ``tables``,
``nemo_config`` and ``nemo_mel`` find out what the file does not say.
"""
