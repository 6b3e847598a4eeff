"""Silences Lightning for the tests of callbacks, which all train."""

import pytest


@pytest.fixture(autouse=True)
def _quiet(quiet_lightning):
    """Use `tests.support.fit_fixtures.quiet_lightning` in every test."""
