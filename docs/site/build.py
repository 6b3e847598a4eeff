"""Builds the documentation as a site: the pages of docs/ and a reference of the public names.

    pip install -e '.[docs]' && python docs/site/build.py          # writes build/site/

The pages are those that GitHub shows. Their order is that of docs/README.md, the public names are
those of ``__all__`` in each room, and what is said of them is in their docstrings: nothing is
written twice. A link that leads nowhere, or a docstring that does not fit its signature, ends the
build with an error.
"""

from __future__ import annotations

import argparse
import importlib
import json
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from roles import without_roles

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DOCS = ROOT / "docs"
#: The rooms with public names, in the order in which one learns them.
ROOMS = (
    "inference", "pretrained", "models", "audio", "text", "data", "training", "callbacks",
    "loggers", "metrics", "sweep",
)  # fmt: skip
_LINK = re.compile(r"(?P<before>\]\(|(?:src|href)=\")(?P<target>[^)\s\"#]+)(?P<after>[)\"#])")
_ENTRY = re.compile(r"^\d+\. \[(?P<title>[^\]]+)\]\((?P<page>[^)]+)\)", re.M)


def stage(source: Path) -> None:
    """Write every page into an empty folder, with links that hold within the site.

    Args:
        source: the folder, which becomes the ``docs_dir`` of the site.
    """
    pages = {path: path.name for path in sorted(DOCS.glob("*.md"))}
    pages |= {DOCS / "README.md": "pages.md", ROOT / "README.md": "index.md"}
    source.mkdir(parents=True)
    for path, name in pages.items():
        text = path.read_text(encoding="utf-8")
        (source / name).write_text(with_links(text, path, pages, source), encoding="utf-8")
    for room in ROOMS:
        target = source / "reference" / f"{room}.md"
        target.parent.mkdir(exist_ok=True)
        target.write_text(reference_page(room), encoding="utf-8")


def with_links(text: str, path: Path, pages: Mapping[Path, str], source: Path) -> str:
    """Return the text of a page with links that point to pages and files of the site.

    Args:
        text: of the page.
        path: of the page in the repository.
        pages: their paths in the repository and their names in the site.
        source: the folder of the site's pages; a linked file that is no page is copied there.

    Raises:
        SystemExit: a linked file or folder does not exist.
    """

    def changed(link: re.Match[str]) -> str:
        target = link["target"]
        if "://" in target or target.startswith("mailto:"):
            return link[0]
        file = Path(posixpath.normpath(posixpath.join(str(path.parent), target)))
        name = pages.get(file) or _copied(file, path, source)
        return f"{link['before']}{name}{link['after']}"

    return _LINK.sub(changed, text)


def _copied(file: Path, page: Path, source: Path) -> str:
    if not file.exists():
        sys.exit(f"{page.relative_to(ROOT)}: the link to {file} leads nowhere")
    if file.is_dir():
        return _listed(file, source)
    name = file.relative_to(DOCS if file.is_relative_to(DOCS) else ROOT).as_posix()
    # A script or a configuration is shown by browsers as text, not run or offered for download
    name += ".txt" if file.suffix in (".py", ".yaml") else ""
    (source / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, source / name)
    return name


def _listed(folder: Path, source: Path) -> str:
    """Write a page that shows what is in a folder, and return its name."""
    name = f"{folder.name}-files.md"
    lines = [f"# {folder.relative_to(ROOT)}", ""]
    for file in sorted(folder.iterdir()):
        if file.suffix == ".png":
            shown = f"![{file.name}]({_copied(file, folder, source)})"
        elif file.suffix in (".ogg", ".opus", ".wav", ".mp3"):
            shown = f'<audio controls src="{_copied(file, folder, source)}"></audio>'
        else:
            continue
        lines += [f"**{file.name}**", "", shown, ""]
    (source / name).write_text("\n".join(lines), encoding="utf-8")
    return name


def reference_page(room: str) -> str:
    """Return the reference of a room: its docstring, then a directive for each public name.

    Args:
        room: the name of a package within ``tts``.
    """
    package = importlib.import_module(f"tts.{room}")
    lines = [f"# tts.{room}", "", without_roles(package.__doc__ or ""), ""]
    lines += [f"::: {place}\n" for place in map(_place, *_public(package))]
    return "\n".join(lines)


def _public(package: ModuleType) -> tuple[list[ModuleType], list[str]]:
    """Return a package and a name, for each of its public names."""
    # tts.models loads its names on demand, and lists them in a module beside it
    lists = (
        package if hasattr(package, "__all__") else importlib.import_module("tts.models.networks")
    )
    names = sorted(lists.__all__, key=str.casefold)
    return [package] * len(names), names


def _place(package: ModuleType, name: str) -> str:
    """Return where a public name is defined, as mkdocstrings finds it without running code."""
    value: Any = getattr(package, name)
    module = getattr(value, "__module__", None)
    if isinstance(module, str) and hasattr(sys.modules.get(module), name):
        return f"{module}.{name}"
    return f"{package.__name__}.{name}"


def navigation() -> list[dict[str, Any]]:
    """Return the pages in the order of docs/README.md, under its headings, then the reference."""
    text = (DOCS / "README.md").read_text(encoding="utf-8")
    sections = re.split(r"^\*\*", text, flags=re.M)[1:]
    tree: list[dict[str, Any]] = []
    for section in sections:
        title = section.split("**", 1)[0]
        entries = _ENTRY.findall(section)
        tree.append({title: [{name: _name(page)} for name, page in entries]})
    reference = [{f"tts.{room}": f"reference/{room}.md"} for room in ROOMS]
    return [{"Contents": "pages.md"}, *tree, {"Reference": reference}]


def _name(page: str) -> str:
    return "index.md" if page == "../README.md" else page


def configuration() -> str:
    """Return zensical.toml: the folders and the navigation, then what ``theme.toml`` says."""
    nav = "[\n" + "".join(f"    {_toml(entry)},\n" for entry in navigation()) + "]"
    names = {
        "site_name": "Tacoglow",
        "site_description": "Tacotron 2 and WaveGlow, trained with PyTorch Lightning",
        "docs_dir": "pages",
        "site_dir": "site",
    }
    head = "".join(f"{key} = {json.dumps(value)}\n" for key, value in names.items())
    theme = (HERE / "theme.toml").read_text(encoding="utf-8")
    theme = theme.replace("ROLES", str(HERE / "roles.py")).replace("ROOT", str(ROOT))
    return f"[project]\n{head}nav = {nav}\n\n{theme}"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)


def main(arguments: list[str] | None = None) -> int:
    """Build the site in build/site/, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.parse_args(arguments)
    return build(ROOT / "build" / "site")


def build(output: Path) -> int:
    """Build the site; a former one gives way when the new one is whole.

    Args:
        output: the folder of the site.

    Returns:
        0, or the status of zensical where it found a fault.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent) as folder:
        stage(Path(folder, "pages"))
        Path(folder, "zensical.toml").write_text(configuration(), encoding="utf-8")
        command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        # zensical says what is wrong, and then ends by an exception
        print(run.stdout + run.stderr.partition("Traceback")[0], end="")
        if run.returncode == 0:
            shutil.rmtree(output, ignore_errors=True)
            Path(folder, "site").rename(output)
            print(f"{output}/index.html")
    return run.returncode


if __name__ == "__main__":
    sys.exit(main())
