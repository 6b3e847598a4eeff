"""Keeps how words are to be read, with every former state, so that old sound can be made again."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from tts.serving.data.database import database_time
from tts.serving.data.models import LexiconEntryRow, LexiconRevisionRow


def current_revision(session: Session) -> int:
    """Return the number of changes so far; 0 is the empty lexicon."""
    return session.scalar(select(func.max(LexiconRevisionRow.number))) or 0


def language_of(code: str) -> str:
    """Return the language of a code without its country: "en" of "en-US"."""
    return code.split("-")[0].lower()


def lexicon_at(session: Session, revision: int, language: str) -> dict[str, str]:
    """Return how words of a language were to be read at a revision: word -> reading."""
    chosen = (
        select(LexiconEntryRow.word, LexiconEntryRow.reading)
        .where(
            LexiconEntryRow.language == language,
            LexiconEntryRow.since <= revision,
            or_(LexiconEntryRow.until.is_(None), LexiconEntryRow.until > revision),
        )
        .order_by(LexiconEntryRow.word)
    )
    return {row.word: row.reading for row in session.execute(chosen)}


def lexicon_entries(session: Session, language: str | None = None) -> Sequence[LexiconEntryRow]:
    """Return the entries that hold today, of one language or of all, by word."""
    chosen = select(LexiconEntryRow).where(LexiconEntryRow.until.is_(None))
    if language is not None:
        chosen = chosen.where(LexiconEntryRow.language == language)
    return session.scalars(chosen.order_by(LexiconEntryRow.word, LexiconEntryRow.language)).all()


def find_entry(session: Session, word: str, language: str) -> LexiconEntryRow | None:
    """Return how a word is to be read today, or None if nobody has said it."""
    return session.scalars(
        select(LexiconEntryRow).where(
            LexiconEntryRow.word == word,
            LexiconEntryRow.language == language,
            LexiconEntryRow.until.is_(None),
        )
    ).first()


def set_reading(
    session: Session, word: str, language: str, reading: str
) -> tuple[LexiconEntryRow, bool]:
    """Say how a word is to be read from now on; return its entry, and whether the word is new.

    A reading that holds already changes nothing: sound that was made stays valid.
    """
    _lock(session)
    present = find_entry(session, word, language)
    if present is not None and present.reading == reading:
        return present, False
    revision = _next_revision(session)
    if present is not None:
        present.until = revision
        session.flush()
    entry = LexiconEntryRow(word=word, language=language, reading=reading, since=revision)
    session.add(entry)
    session.flush()
    return entry, present is None


def remove_reading(session: Session, word: str, language: str) -> bool:
    """Forget how a word is to be read, from now on; return whether it was in the lexicon."""
    _lock(session)
    present = find_entry(session, word, language)
    if present is not None:
        present.until = _next_revision(session)
        session.flush()
    return present is not None


def _lock(session: Session) -> None:
    """Wait for others that change the lexicon; SQLite has one writer at a time anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE lexicon_revision IN EXCLUSIVE MODE"))


def _next_revision(session: Session) -> int:
    number = current_revision(session) + 1
    session.add(LexiconRevisionRow(number=number, created_at=database_time(session)))
    session.flush()
    return number
