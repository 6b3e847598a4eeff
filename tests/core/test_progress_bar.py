from __future__ import annotations

from tts.core.progress import progress


def test_progress_is_written_to_standard_error(capfd):
    with progress("counting", 3) as advance:
        advance(1.5)
    out, err = capfd.readouterr()
    assert out == ""
    assert "counting" in err
    assert "100%" in err
