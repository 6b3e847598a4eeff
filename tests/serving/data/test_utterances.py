import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.support.serving_fixtures import VOICE, recipe, spoken_text
from tts.serving.data.database import database_time
from tts.serving.data.lexicon import (
    current_revision,
    find_entry,
    lexicon_at,
    lexicon_entries,
    remove_reading,
    set_reading,
)
from tts.serving.data.models import PartRow, UtteranceRow
from tts.serving.data.recipe import Recipe, software_of_sound
from tts.serving.data.utterances import (
    add_utterance,
    find_rendition,
    find_utterance,
    mark_failed,
    mark_spoken,
    save_part,
    save_rendition,
    touch_rendition,
    utterance_page,
)
from tts.serving.data.voices import (
    current_version,
    find_voice,
    register_voices,
    voice_list,
    voice_versions,
)


def do(database, action, *arguments, **options):
    with database.write() as session:
        return action(session, *arguments, **options)


def test_whatever_decides_the_sound_decides_the_id():
    plain = recipe("Hello.", options={"speed": 1, "pauses": {"comma": 0.1}})
    others = [
        recipe("Hello!", options=plain.options),
        recipe("Hello.", options={**plain.options, "speed": 1.5}),
        recipe("Hello.", options={**plain.options, "pauses": {"comma": 0.2}}),
        recipe("Hello.", options=plain.options, seed=1),
        recipe("Hello.", options=plain.options, lexicon={"hello": "HH AH0 L OW1"}),
        recipe("Hello.", options=plain.options, sound_revision="t"),
        Recipe("0" * 64, "Hello.", plain.options, 0, 0, "s"),
    ]
    assert len({each.utterance_id for each in (plain, *others)}) == 8
    assert len(plain.utterance_id) == 64


def test_the_same_request_in_other_words_has_the_same_id():
    written = recipe("caf\u00e9", options={"speed": 1, "guard": True})
    assert written == recipe("cafe\u0301", options={"speed": 1, "guard": True})
    again = recipe("cafe\u0301", options={"guard": True, "speed": 1.0})
    assert again.utterance_id == written.utterance_id


def test_a_change_of_the_lexicon_that_a_text_does_not_need_changes_no_id():
    assert recipe(lexicon_revision=1).utterance_id == recipe(lexicon_revision=0).utterance_id
    two = {"b": "B IY1", "a": "EY1"}
    turned = dict(reversed(two.items()))
    assert recipe(lexicon=two).utterance_id == recipe(lexicon=turned).utterance_id


def test_the_recipe_of_an_utterance_that_exists_has_its_id():
    assert recipe(lexicon_revision=3, kept_as="f" * 64).utterance_id == "f" * 64


def test_true_is_not_one():
    ids = {recipe(options={"guard": value}).utterance_id for value in (True, 1, "1", None)}
    assert len(ids) == 4


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes"])
def test_what_json_cannot_hold_has_no_id(value):
    with pytest.raises((ValueError, TypeError)):
        _ = recipe(options={"speed": value}).utterance_id


def test_the_software_of_sound_has_one_hash_in_a_process():
    assert software_of_sound() == software_of_sound()
    assert len(software_of_sound()) == 16


def test_an_equal_request_finds_what_was_spoken(database):
    first, is_new = do(database, add_utterance, recipe())
    again, is_new_again = do(database, add_utterance, recipe())
    assert (is_new, is_new_again) == (True, False)
    assert (first.id, first.n_chars, first.state) == (again.id, 6, "waiting")
    assert again.last_used_at > first.last_used_at


def test_an_utterance_has_parts_renditions_and_a_voice(database):
    utterance = spoken_text(database)
    for attempt in (1, 2):
        part = PartRow(
            utterance_id=utterance,
            number=0,
            text="Hello.",
            reading="hello.",
            start=0.0,
            end=0.6,
            attempts=attempt,
            failed=False,
            stop_reason="gate",
            health={"coverage": 1.0},
            words=[{"word": "Hello", "start": 0.0, "end": 0.5}],
            symbols=[],
        )
        do(database, save_part, part)
        do(database, save_rendition, utterance, "mp3", 22050, 10 * attempt, "0" * 64)
    do(database, mark_spoken, utterance, 0.6)
    do(database, mark_failed, utterance, "could_not_speak", "It was cut off.")
    row = do(database, find_utterance, utterance)
    assert (row.state, row.seconds, row.error) == ("spoken", 0.6, None)
    assert [(part.number, part.attempts) for part in row.parts] == [(0, 2)]
    assert row.parts[0].words[0]["word"] == "Hello"
    assert [(each.format, each.n_bytes) for each in row.renditions] == [("mp3", 20)]
    assert row.model_version.voice_id == VOICE.id
    assert do(database, find_utterance, "0" * 64) is None


def test_who_keeps_the_same_at_one_moment_gets_no_error(database):
    utterance = spoken_text(database)
    barrier, faults = threading.Barrier(4), []

    def keep(number):
        barrier.wait()
        try:
            do(database, save_rendition, utterance, "flac", 22050, number, str(number) * 64)
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=keep, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    row = do(database, find_rendition, utterance, "flac", 22050)
    assert row.sha256 == str(row.n_bytes) * 64


def test_using_a_rendition_makes_it_young(database):
    utterance = spoken_text(database)
    do(database, save_rendition, utterance, "mp3", 22050, 10, "0" * 64)
    before = do(database, find_rendition, utterance, "mp3", 22050)
    do(database, touch_rendition, before)
    after = do(database, find_rendition, utterance, "mp3", 22050)
    assert after.last_used_at > before.last_used_at
    assert do(database, find_rendition, utterance, "mp3", 24000) is None


def texts(page):
    return [row.text for row in page.rows]


def test_a_list_is_read_page_by_page_while_it_grows(database):
    for text in "abcde":
        spoken_text(database, text)
    first = do(database, utterance_page, limit=2)
    spoken_text(database, "f")
    second = do(database, utterance_page, limit=2, after=first.after)
    third = do(database, utterance_page, limit=2, after=second.after)
    assert [texts(page) for page in (first, second, third)] == [["e", "d"], ["c", "b"], ["a"]]
    assert third.after is None


def test_utterances_of_one_moment_are_not_lost_between_pages(database):
    for text in "abc":
        spoken_text(database, text)
    with database.write() as session:
        session.execute(update(UtteranceRow).values(created_at=database_time(session)))
    found, after = [], None
    for _ in range(3):
        page = do(database, utterance_page, limit=1, after=after)
        found, after = found + texts(page), page.after
    assert sorted(found) == ["a", "b", "c"]
    assert after is None


def test_a_list_can_be_searched(database):
    for text in ("Hello there.", "100% sure", "1000 sheep", "under_score", "underscore"):
        spoken_text(database, text)
    found = {
        query: texts(do(database, utterance_page, query=query))
        for query in ("hello", "100%", "der_s", "nothing", "")
    }
    assert found["hello"] == ["Hello there."]
    assert found["100%"] == ["100% sure"]
    assert found["der_s"] == ["under_score"]
    assert found["nothing"] == []
    assert len(found[""]) == 5


def test_a_list_can_be_of_one_voice(database):
    spoken_text(database)
    assert len(do(database, utterance_page, voice="lj").rows) == 1
    assert do(database, utterance_page, voice="nobody").rows == []


@pytest.mark.parametrize("after", ["", "yesterday", "2026-01-01_x", "_", "2026-13-01T00:00:00Z_a"])
def test_a_page_that_was_never_given_is_refused(database, after):
    with pytest.raises(ValueError, match=r"isoformat|month|time zone"):
        do(database, utterance_page, after=after)


def test_a_voice_speaks_in_one_version_and_keeps_the_others(database):
    from dataclasses import replace

    newer = replace(VOICE, acoustic_digest="d" * 64, name="Linda")
    do(database, register_voices, [newer])
    assert do(database, current_version, "lj").id == newer.version_id
    assert do(database, find_voice, "lj").name == "Linda"
    versions = do(database, voice_versions, "lj")
    assert [version.id for version in versions] == [newer.version_id, VOICE.version_id]
    assert [version.retired_at is None for version in versions] == [True, False]
    do(database, register_voices, [VOICE])
    assert do(database, current_version, "lj").id == VOICE.version_id
    assert len(do(database, voice_versions, "lj")) == 2


def test_a_voice_that_is_gone_speaks_no_more_but_is_remembered(database):
    utterance = spoken_text(database)
    from dataclasses import replace

    do(database, register_voices, [replace(VOICE, id="other")])
    assert [voice.id for voice in do(database, voice_list)] == ["other"]
    assert do(database, find_voice, "lj") is None
    assert do(database, current_version, "lj") is None
    assert do(database, find_utterance, utterance).model_version.voice_id == "lj"
    do(database, register_voices, [VOICE])
    assert do(database, find_voice, "lj").removed_at is None


def test_the_lexicon_of_every_revision_can_be_read(database):
    assert do(database, current_revision) == 0
    _, is_new = do(database, set_reading, "tacoglow", "en", "T AA1 K")
    assert is_new
    entry, is_new = do(database, set_reading, "tacoglow", "en", "T AE1 K")
    assert (entry.since, is_new) == (2, False)
    do(database, set_reading, "wort", "de", "V AO1 R T")
    assert do(database, remove_reading, "tacoglow", "en")
    assert not do(database, remove_reading, "tacoglow", "en")
    history = [do(database, lexicon_at, revision, "en") for revision in range(6)]
    assert history[:4] == [
        {},
        {"tacoglow": "T AA1 K"},
        {"tacoglow": "T AE1 K"},
        {"tacoglow": "T AE1 K"},
    ]
    assert history[4] == {}
    assert do(database, current_revision) == 4
    assert [entry.word for entry in do(database, lexicon_entries)] == ["wort"]
    assert do(database, lexicon_entries, "en") == []
    assert do(database, find_entry, "wort", "de").reading == "V AO1 R T"


def test_saying_the_same_again_keeps_the_sound_that_was_made(database):
    do(database, set_reading, "tacoglow", "en", "T AA1 K")
    do(database, set_reading, "tacoglow", "en", "T AA1 K")
    assert do(database, current_revision) == 1


def test_the_clock_of_the_database_runs(database):
    first, second = do(database, database_time), do(database, database_time)
    assert timedelta(0) <= second - first < timedelta(minutes=5)
    assert do(database, lambda session: session.scalars(select(UtteranceRow)).all()) == []
