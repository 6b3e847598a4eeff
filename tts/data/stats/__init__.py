"""Measures what a corpus sounds like, and prints it as options of a training.

It is the command ``python -m tts.data.stats``. ``listening`` hears each recording while the
doctor's ``gather_cases`` measures it; ``statistics`` sums up what was heard; ``advice`` makes
options of the sums; ``figure`` draws them, and ``report`` prints them.
"""
