"""The benchmark of speeds lets the voice speak at each of them."""

from bench.speed import main, speed_rows
from tests.support.tiny_networks import tiny_synthesizer
from tts.evaluation.measures import MEASURES
from tts.evaluation.sentences import Sentence


def test_every_speed_has_its_length_and_its_figures():
    synthesizer = tiny_synthesizer()
    sentences = [Sentence("a", "One two three."), Sentence("b", "Four five.")]
    measure = MEASURES["alignment"]()
    rows = [
        line.strip(" |").split(" | ")
        for line in speed_rows(synthesizer, sentences, (0.5, 1.0, 2.0), [measure])
    ]
    assert [row[0] for row in rows] == ["0.5", "1", "2"]
    seconds = [float(row[1]) for row in rows]
    assert abs(seconds[0] - 2 * seconds[1]) < 0.2
    assert abs(seconds[2] - seconds[1] / 2) < 0.2
    # the judgement of the attention does not depend on the speed
    assert len(rows[0]) == 2 + len(measure.figures)
    assert rows[0][2:] == rows[1][2:] == rows[2][2:]


def test_an_illegal_speed_is_one_line(capsys):
    assert main(["--speeds", "1", "9"]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error == "error: speed=9.0: it must be a number from 0.25 to 4\n"
