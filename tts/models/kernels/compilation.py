"""Compiles functions with numba.

Importing this module imports numba, which takes a quarter of a second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

_njit: Any = numba.njit

#: Rows of a matrix that the loops read together. Four streams from memory come close to its full
#: speed.
BLOCK = 4
# LLVM may reorder sums; the flags that assume finite numbers are off, because -inf is the mask
_REASSOCIATE = {"reassoc", "contract", "arcp", "nsz"}


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function with numba; cache the result if some folder can be written to."""
    options = {"fastmath": _REASSOCIATE, "nogil": True, "error_model": "numpy"}
    try:
        return _njit(cache=True, **options)(function)
    except RuntimeError:  # numba finds no folder for its cache
        return _njit(**options)(function)
