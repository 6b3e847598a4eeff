"""The card says what is known, and of everything else that it is not known."""

import json

import pytest
import yaml

SECTIONS = (
    *("Use", "Speaker", "Data", "Training", "Figures", "Sounds", "Known faults", "Licence"),
)
ALL = [
    "name=Ann reads",
    "speaker=Ann, an actress",
    "consent=in writing, for free software",
    "language=en-GB",
    "licence=CC-BY-4.0",
    "source=recorded at home",
    "faults=lisps",
]


@pytest.fixture
def card(write_run, publish, tmp_path):
    """Publish a run with options, and return header and sections of its card."""

    def make(*options, run=None):
        to = tmp_path / "voice"
        result = publish(f"run={run or write_run()}", f"to={to}", "n_sounds=0", *options)
        assert result.status == 0, result.err
        _, header, text = (to / "README.md").read_text().split("---\n", 2)
        parts = text.split("\n## ")
        return yaml.safe_load(header), {p.partition("\n")[0]: p for p in parts[1:]}, parts[0]

    return make


def evaluation(folder, clips, **summary):
    folder.mkdir()
    results = {
        "config": {"acoustic": "/a/last.ckpt", "vocoder": "griffin_lim"},
        "skipped": {"espeak": "is not installed"},
        "systems": {
            "recordings": {"summary": {"wer": 0.01}, "clips": []},
            "voice": {"summary": summary, "clips": clips},
        },
    }
    (folder / "results.json").write_text(json.dumps(results))
    return f"evaluation={folder}"


def test_what_nobody_said_is_not_known(card):
    header, sections, head = card()
    assert tuple(sections) == SECTIONS
    assert "A machine speaks" in head
    assert not {"license", "language"} & header.keys()
    assert header["pipeline_tag"] == "text-to-speech"
    speaker = sections["Speaker"]
    assert "Who spoke: Not known" in speaker
    assert "Consent: Not known" in speaker
    assert "Language: Not known" in speaker
    assert "Source: Not known" in sections["Data"]
    assert "Not known" in sections["Figures"]
    assert "Not known" in sections["Known faults"]
    assert "Not known" in sections["Licence"]
    assert "None: " in sections["Sounds"]


def test_what_the_run_noted_is_shown(card):
    _, sections, _ = card()
    assert "Voice; 0.25 hours; utterances: 90 train, 10 val, 0 test" in sections["Data"]
    training = sections["Training"]
    assert "700 steps, 7 epochs" in training
    assert "random weights" in training
    assert "12,345" in training
    assert "tacoglow 0.1.0, torch 2.9" in training
    assert "![loss of the training](acoustic.png)" in training


def test_without_notes_the_card_says_so(card, write_run):
    run = write_run("bare", facts=None, metrics=False, config=None, corpus=None)
    _, sections, _ = card(run=run)
    assert "the file names no corpus" in sections["Data"]
    assert "how many hours is not known" in sections["Data"]
    training = sections["Training"]
    assert "Began from: not known" in training
    assert "Configuration: not known" in training
    assert "Curve: not known" in training
    assert "Parameters" not in training


def test_what_the_publisher_says_is_shown(card):
    header, sections, head = card(*ALL)
    assert (header["license"], header["language"]) == ("cc-by-4.0", "en-GB")
    assert "# Ann reads" in head
    for text, section in (
        ("Ann, an actress", "Speaker"),
        ("in writing, for free software", "Speaker"),
        ("recorded at home", "Data"),
        ("lisps", "Known faults"),
        ("CC-BY-4.0", "Licence"),
    ):
        assert text in sections[section]
        assert "Not known" not in sections[section]


def test_a_licence_that_the_hub_does_not_know_is_given_by_its_name(card):
    header, _, _ = card("licence=for private use only")
    assert (header["license"], header["license_name"]) == ("other", "for private use only")


def test_figures_and_faults_are_those_of_the_evaluation(card, tmp_path):
    clips = [
        {"id": "a", "text": "one two", "heard": "one", "wer": 0.5, "healthy": 1.0},
        {"id": "b", "text": "three", "heard": "three", "wer": 0.0, "healthy": 0.0},
    ]
    option = evaluation(tmp_path / "e", clips, wer=0.25, healthy=0.5)
    _, sections, _ = card(option)
    figures = sections["Figures"]
    assert "judged `last.ckpt` and `griffin_lim` on 2 sentences" in figures
    assert "| system | WER | healthy |" in figures
    assert "| recordings | 1.0% | - |" in figures
    assert "| voice | 25.0% | 50% |" in figures
    assert "espeak: is not installed" in figures
    faults = sections["Known faults"]
    assert "1 of 2 sentences went wrong" in faults
    assert "(b)" in faults
    assert "misheard words in 1 of 2 sentences" in faults
    assert "“one two” was heard as “one”" in faults


def test_an_evaluation_without_faults_is_no_proof(card, tmp_path):
    clips = [{"id": "a", "text": "one", "heard": "one", "wer": 0.0, "healthy": 1.0}]
    _, sections, _ = card(evaluation(tmp_path / "e", clips, wer=0.0))
    assert "it does not find all" in sections["Known faults"]


@pytest.mark.parametrize("content", ["[]", '{"systems": {}}', "no JSON", '{"systems": 3}'])
def test_a_file_that_is_no_report_is_refused(content, write_run, publish, tmp_path):
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "results.json").write_text(content)
    run = publish(f"run={write_run()}", f"to={tmp_path}/v", f"evaluation={tmp_path}/e")
    assert run.status == 2
    assert "results.json" in run.err
    assert not (tmp_path / "v").exists()


def test_no_text_becomes_markup(card):
    _, sections, head = card("name=<b>[x](y)</b>", "speaker=a|b\n## Licence\nfree", "faults=`x`")
    assert "<b>" not in head
    assert tuple(sections) == SECTIONS
    assert r"a\|b \#\# Licence free" in sections["Speaker"]


def test_a_voice_of_another_language_speaks_no_english_sentences(card):
    _, sections, _ = card("language=ru", "n_sounds=1")
    assert "no sentences were given" in sections["Sounds"]


def test_sentences_of_ones_own_are_spoken(card, tmp_path):
    (tmp_path / "s.txt").write_text("a|First one.\nSecond.\nThird.\n")
    _, sections, _ = card("language=ru", "n_sounds=2", f"sentences={tmp_path}/s.txt")
    assert "[sounds/0001.ogg](sounds/0001.ogg): First one." in sections["Sounds"]
    assert "Second." in sections["Sounds"]
    assert "Third." not in sections["Sounds"]
