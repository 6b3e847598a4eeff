"""Checks the ranges that classes state in their annotations."""

from __future__ import annotations

import pkgutil
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest

from tests.support.paths import REPO
from tts.core.errors import InputError
from tts.core.ranges import Choice, Count, Number, Share, Text, check_fields, legal_arguments
from tts.core.source_ranges import ranges_in_source


@pytest.mark.parametrize(
    ("legal", "good", "bad"),
    [
        (Number(int), [0, -3], [1.0, "1", None, True, [1]]),
        (Number(float, least=0), [0, 0.0, 5], [-0.1, float("nan"), False]),
        (Number(float, above=0, null=True), [0.1, None], [0, "null"]),
        (Number(int, least=1, most=3), [1, 3], [0, 4]),
        (Choice((True, "warn")), [True, "warn"], [1, "true", None, []]),
        (Number(float, above=0, below=1), [0.5], [0, 1, 1.0]),
    ],
)
def test_what_is_legal(legal, good, bad):
    assert all(legal.allows(value) for value in good)
    assert not any(legal.allows(value) for value in bad)


@dataclass(frozen=True)
class Base:
    steps: Count = 1
    mode: Literal["a", "b"] | None = None

    def __post_init__(self) -> None:
        check_fields(self, "base.")


@dataclass(frozen=True)
class Derived(Base):
    is_on: bool = False
    share: Annotated[float, Number(float, least=0, below=1)] = 0.5
    file: str | Path | None = None
    free: str | int = ""


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"steps": 0}, "base.steps=0: it must be a whole number, 1 or more"),
        ({"mode": "c"}, "base.mode=c: it must be one of null, a, b"),
        ({"is_on": None}, "base.is_on=null: it must be one of true, false"),
        ({"share": 1.0}, "base.share=1.0: it must be a number from 0 to below 1"),
        ({"file": 3}, "base.file=3: it must be a name or a path, or null"),
    ],
)
def test_a_dataclass_checks_its_fields(values, message):
    with pytest.raises(InputError) as error:
        Derived(**values)
    assert str(error.value) == message
    assert Derived(free=3, file=Path("a")) == Derived(free=3, file=Path("a"))


def test_functions_state_ranges_as_well():
    def bar(width: Count = 1, name: str = "", pair: tuple[int, int] = (0, 0)) -> None: ...

    stated = legal_arguments(bar)
    assert stated == {"width": Number(int, least=1), "name": Text(null=False, empty=True)}


class Bounded:
    def __init__(self, share: Share = 0.5, size: int = 1) -> None: ...


class Repeating(Bounded):
    def __init__(self, share: float = 0.1, size: Count = 1) -> None: ...


def test_a_type_alone_does_not_replace_the_bounds_of_the_base():
    assert legal_arguments(Repeating) == {
        "share": Number(float, least=0, most=1),
        "size": Number(int, least=1),
    }


def test_the_source_states_the_ranges_of_every_class_in_conf():
    lines = "\n".join(path.read_text() for path in (REPO / "conf").rglob("*.yaml"))
    targets = set(re.findall(r"_target_: (tts\.[\w.]+)", lines)) | {"tts.inference.options.Options"}
    assert len(targets) > 30
    differing = {
        target: (read, stated)
        for target in targets
        if (read := dict(ranges_in_source(target)))
        != (stated := dict(legal_arguments(pkgutil.resolve_name(target))))
    }
    assert differing == {}


@pytest.mark.parametrize("target", ["tts.data.Nothing", "tts.nowhere.EMA", "os.path.join"])
def test_a_class_that_does_not_exist_has_no_ranges(target):
    with pytest.raises(LookupError):
        ranges_in_source(target)
