"""Separates what a command complains about from lines that say what takes its time."""


def complaints(err: str) -> str:
    """Return standard error without its lines of progress, whose number is a matter of speed."""
    return "".join(line for line in err.splitlines(keepends=True) if " ..." not in line)
