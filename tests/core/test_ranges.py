"""Checks the ranges that classes state in their annotations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import pytest

from tts.core.errors import InputError
from tts.core.ranges import Choice, Count, Number, check_fields, legal_arguments


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
    free: str = ""


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"steps": 0}, "base.steps=0: it must be a whole number, 1 or more"),
        ({"mode": "c"}, "base.mode=c: it must be one of null, a, b"),
        ({"is_on": None}, "base.is_on=null: it must be one of true, false"),
        ({"share": 1.0}, "base.share=1.0: it must be a number from 0 to below 1"),
    ],
)
def test_a_dataclass_checks_its_fields(values, message):
    with pytest.raises(InputError) as error:
        Derived(**values)
    assert str(error.value) == message
    assert Derived(free=3) == Derived(free=3)


def test_functions_state_ranges_as_well():
    def bar(width: Count = 1, name: str = "") -> None: ...

    assert legal_arguments(bar) == {"width": Number(int, least=1)}
