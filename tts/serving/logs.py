"""Sets up the log of the service: lines for people, or JSON objects for machines."""

from __future__ import annotations

import json
import logging
from typing import Any

from tts.core.output import LogHandler

#: Attributes that every record has; the others were added by ``extra``.
_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class JsonLogHandler(LogHandler):
    """Prints each record as one JSON object in one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as JSON: time, level, logger, message, and what ``extra`` added."""
        content: dict[str, Any] = {
            "time": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        content |= {
            name: value
            for name, value in vars(record).items()
            if name not in _STANDARD and value is not None
        }
        if record.exc_info:
            content["trace"] = logging.Formatter().formatException(record.exc_info)
        return json.dumps(content, default=str)


def start_logging(form: str) -> None:
    """Print the log of this process to standard error.

    Args:
        form: ``"text"`` or ``"json"``.
    """
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    root.addHandler((JsonLogHandler if form == "json" else LogHandler)("stderr"))
    root.setLevel(logging.WARNING)
    logging.getLogger("tts").setLevel(logging.INFO)
    # an answer that was cut is one line of ours already
    logging.getLogger("uvicorn.error").addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    return "without completing response" not in record.getMessage()
