"""``python -m tts.data.doctor``: is a corpus fit to be trained on, and what is to be done about it.

``cases.gather`` listens to the recordings and reads the texts; the checks (``sounds``,
``readings``, ``population``, ``memory``) turn what it found into findings (``examination``); and
three writers show them: a table and ``doctor.json`` (``report``), and ``doctor.html`` (``page``).
"""
