"""Every test of callbacks trains, and is not about what Lightning has to say to that."""

import pytest


@pytest.fixture(autouse=True)
def _quiet(quiet_lightning):
    """See `tests.support.fit_fixtures`."""
