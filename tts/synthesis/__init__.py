"""What ``synthesize.py`` is made of: texts and their files, sound that survives, reports."""
