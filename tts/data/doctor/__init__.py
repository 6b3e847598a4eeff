"""Examines whether a corpus is fit for training, and says what to do where it is not.

It is the command ``python -m tts.data.doctor``. ``utterances.gather_cases`` measures the recordings
and reads the texts. The checks (``recording_checks``, ``text_checks``, ``corpus_checks``,
``memory``) turn these measurements into findings. ``examination.examine`` runs all of them and
returns a ``diagnosis.Diagnosis``, which ``report`` writes as a table and as ``doctor.json``, and
``page`` as ``doctor.html``.
"""
