"""Fills HTML templates of the package with values, all of which are escaped."""

from __future__ import annotations

from typing import Any


def fill_template(package: str, template: str, **values: Any) -> str:
    """Return a page: a Jinja template of a package, filled with values.

    Every value is escaped, so that no text of a corpus or a file name becomes markup.

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
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(**values)
