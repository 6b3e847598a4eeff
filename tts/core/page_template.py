"""Fills HTML templates of the package with values, all of which are escaped."""

from __future__ import annotations

from typing import Any

from tts.core.output import printable


def fill_template(package: str, template: str, **values: Any) -> str:
    """Return a page: a Jinja template of a package, filled with values.

    Every value is escaped, so that no text of a corpus or a file name becomes markup. Control
    characters and bytes of names that are not UTF-8 are shown as on a terminal.

    Args:
        package: the package that holds the template, such as ``tts.evaluation``.
        template: file name of the template.
        **values: what the template refers to; a name that is missing is an error.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(package, ""),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(**values)


def _shown(value: Any) -> Any:
    """Return what a page shows for a value; what a macro has drawn is markup already."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    return printable(value, "\n\t").encode("utf-8", "backslashreplace").decode()
