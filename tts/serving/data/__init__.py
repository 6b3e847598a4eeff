"""This package is what the speech service remembers: a data model, its migrations and its queries.

Every function takes a session of :class:`tts.serving.data.database.Database`, so that the caller
says what belongs to one transaction. Times are those of the database, in UTC.
"""
