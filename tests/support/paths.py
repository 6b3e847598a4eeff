"""States where the repository and its golden files are."""

from pathlib import Path

REPO = Path(__file__).parents[2]
GOLDEN = REPO / "tests" / "golden"
