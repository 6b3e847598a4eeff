"""Checks the order of the modules of `tts.pretrained`, which its docstring states."""

import ast

from tests.support.paths import REPO

ROOM = REPO / "tts" / "pretrained"
#: Each module imports only from modules before it; the importers have a line of their own.
LINE = (
    *("limits", "checksums", "catalogue", "download", "publication", "hugging_face", "sources"),
    *("descriptions", "checkpoint", "importers", "native", "files", "convert", "averaging", "hub"),
)
IMPORTERS = (
    *("stubs", "plain_yaml", "nemo_archive", "containers"),
    *("dialects", "layouts", "nvidia_names", "sizes", "tables", "nemo_config", "nemo_mel"),
    "nvidia",
)


def imported(path) -> set[str]:
    """Return the modules of the room that a file imports anywhere, named below `tts.pretrained`."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("tts.pretrained"):
            base = node.module.removeprefix("tts.pretrained").lstrip(".")
            if base in ("", "importers"):
                names |= {f"{base}.{alias.name}".lstrip(".") for alias in node.names}
            else:
                names.add(base)
    return names


def test_modules_import_only_what_lies_before_them():
    wrong = []
    for place, module in enumerate(LINE):
        for path in ROOM.glob(f"{module}.py"):
            used = {name.split(".")[0] for name in imported(path)}
            wrong += [f"{module}: {name}" for name in used - set(LINE[:place])]
    for place, module in enumerate(IMPORTERS):
        lower = {*LINE[: LINE.index("importers")], *(f"importers.{m}" for m in IMPORTERS[:place])}
        used = imported(ROOM / "importers" / f"{module}.py")
        wrong += [f"importers.{module}: {name}" for name in used - lower]
    assert wrong == []


def test_the_line_has_every_module():
    assert {path.stem for path in ROOM.glob("[!_]*.py")} == {*LINE} - {"importers"}
    assert {path.stem for path in (ROOM / "importers").glob("[!_]*.py")} == {*IMPORTERS}
