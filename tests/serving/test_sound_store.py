import os
import time

import pytest
from sqlalchemy import update

from tests.support.serving_fixtures import spoken_text
from tts.core.errors import InputError
from tts.serving.data.models import RenditionRow
from tts.serving.data.utterances import delete_utterance, find_rendition, find_utterance
from tts.serving.files import open_files
from tts.serving.store import SoundStore, name_of, rendition_name


@pytest.fixture(params=["folder", "memory"])
def target(request, tmp_path):
    """Return a folder and an address of fsspec's, which must behave alike."""
    return str(tmp_path / "sound") if request.param == "folder" else f"memory://{tmp_path.name}"


@pytest.fixture
def store(target, database):
    return SoundStore.open(target, database)


def row(database, utterance, format="mp3", rate=22050):
    with database.read() as session:
        return find_rendition(session, utterance, format, rate)


def names(store):
    return sorted(file.name for file in store._files.files())


def damage(store, rendition, content):
    store._files.put(name_of(rendition), content)


def test_sound_is_kept_under_the_hash_of_its_recipe(store, database):
    utterance = spoken_text(database)
    saved = store.save(utterance, "mp3", 22050, b"sound")
    assert names(store) == [f"{utterance[:2]}/{utterance}-22050.mp3"]
    assert store.load(saved) == b"sound"
    assert (saved.n_bytes, len(saved.sha256)) == (5, 64)
    again = store.save(utterance, "mp3", 22050, b"sound made again")
    assert store.load(again) == b"sound made again"
    assert names(store) == [name_of(saved)]


@pytest.mark.parametrize("name", ["../x", "a" * 63, "A" * 64, "", "g" * 64, "a" * 64 + "/x"])
def test_no_name_of_a_client_reaches_the_file_system(name):
    with pytest.raises(ValueError, match="no utterance"):
        rendition_name(name, "mp3", 22050)
    with pytest.raises(ValueError, match="no utterance"):
        rendition_name("a" * 64, "../x", 22050)


@pytest.mark.parametrize("content", [b"", b"soun", b"SOUND"])
def test_damaged_sound_is_noticed_and_made_again(store, database, content):
    utterance = spoken_text(database)
    saved = store.save(utterance, "mp3", 22050, b"sound")
    damage(store, saved, content)
    assert store.load(saved) is None
    assert row(database, utterance) is None
    assert names(store) == []
    assert store.load(store.save(utterance, "mp3", 22050, b"sound")) == b"sound"


def test_missing_sound_is_noticed_and_made_again(store, database):
    utterance = spoken_text(database)
    saved = store.save(utterance, "mp3", 22050, b"sound")
    store._files.remove(name_of(saved))
    assert store.load(saved) is None
    assert row(database, utterance) is None


def test_a_file_in_a_folder_has_a_path_once_it_was_checked(tmp_path, database):
    store = SoundStore.open(str(tmp_path / "sound"), database)
    utterance = spoken_text(database)
    saved = store.save(utterance, "mp3", 22050, b"sound")
    path = store.path(saved)
    assert path.read_bytes() == b"sound"
    assert store.path(saved) == path
    time.sleep(0.01)
    path.write_bytes(b"SOUND")
    assert store.path(saved) is None
    assert not path.exists()
    assert store.path(saved) is None


def test_a_store_elsewhere_has_no_paths(database):
    store = SoundStore.open("memory://no-paths", database)
    saved = store.save(spoken_text(database), "mp3", 22050, b"sound")
    assert not store.is_folder
    assert store.path(saved) is None
    assert store.load(saved) == b"sound"


def test_a_write_that_dies_leaves_what_was_there(tmp_path, database, monkeypatch):
    store = SoundStore.open(str(tmp_path / "sound"), database)
    utterance = spoken_text(database)
    saved = store.save(utterance, "mp3", 22050, b"sound")

    def die(path, target):
        raise OSError("no space")

    monkeypatch.setattr("pathlib.Path.replace", die)
    with pytest.raises(OSError, match="no space"):
        store.save(utterance, "mp3", 22050, b"other")
    monkeypatch.undo()
    assert store.load(saved) == b"sound"
    assert names(store) == [name_of(saved)]


def test_a_store_without_whole_puts_gets_a_temporary_name_first(database, monkeypatch):
    store = SoundStore.open("memory://renamed", database)
    files, seen = store._files, []
    monkeypatch.setattr(files, "_puts_whole", False)
    put = type(files._system).pipe_file

    def record(system, path, content, **options):
        seen.append(path)
        return put(system, path, content, **options)

    monkeypatch.setattr(type(files._system), "pipe_file", record)
    saved = store.save(spoken_text(database), "mp3", 22050, b"sound")
    assert [path.endswith(".tmp") for path in seen] == [True]
    assert names(store) == [name_of(saved)]
    assert store.load(saved) == b"sound"


def use_long_ago(database, utterance, hours):
    from datetime import timedelta

    from tts.serving.data.database import database_time

    with database.write() as session:
        moment = database_time(session) - timedelta(hours=hours)
        chosen = update(RenditionRow).where(RenditionRow.utterance_id == utterance)
        session.execute(chosen.values(last_used_at=moment))


def test_what_was_not_used_for_longest_makes_room(target, database):
    store = SoundStore.open(target, database, quota_bytes=10)
    old, used, new = (spoken_text(database, text) for text in "abc")
    for hours, utterance in ((2, old), (3, used)):
        store.save(utterance, "mp3", 22050, b"1234")
        use_long_ago(database, utterance, hours)
    assert store.load(row(database, used)) == b"1234"
    store.save(new, "mp3", 22050, b"1234")
    assert row(database, old) is None
    assert {name[3:67] for name in names(store)} == {used, new}
    with database.read() as session:
        assert find_utterance(session, old) is not None


def test_a_file_larger_than_the_quota_stays_until_the_next_one(target, database):
    store = SoundStore.open(target, database, quota_bytes=3)
    first, second = (spoken_text(database, text) for text in "ab")
    store.save(first, "mp3", 22050, b"1234")
    assert store.load(row(database, first)) == b"1234"
    store.save(second, "mp3", 22050, b"1234")
    assert row(database, first) is None
    assert store.load(row(database, second)) == b"1234"


def test_orphans_are_swept(store, database):
    utterance, gone = spoken_text(database, "a"), spoken_text(database, "b")
    kept = store.save(utterance, "mp3", 22050, b"sound")
    store.save(gone, "mp3", 22050, b"sound")
    lost = store.save(utterance, "flac", 22050, b"sound")
    store._files.remove(name_of(lost))
    store.save_part(utterance, 0, b"samples")
    with database.write() as session:
        delete_utterance(session, gone)
    assert store.sweep() == (0, 1)  # younger files may have a writer
    assert row(database, utterance, "flac") is None
    assert store.sweep(abandoned_after=-60) == (2, 0)
    assert names(store) == [name_of(kept)]
    assert store.load(kept) == b"sound"


def test_what_a_killed_writer_has_left_is_swept(tmp_path, database):
    store = SoundStore.open(str(tmp_path / "sound"), database)
    litter = tmp_path / "sound" / "ab" / "x.mp3.somewhere-1-00000000.tmp"
    litter.parent.mkdir()
    litter.write_bytes(b"half")
    assert store.sweep() == (0, 0)
    os.utime(litter, (0, 0))
    assert store.sweep() == (1, 0)
    assert not litter.exists()


def test_parts_can_be_heard_before_the_whole(store, database):
    utterance = spoken_text(database)
    assert store.load_part(utterance, 0) is None
    store.save_part(utterance, 0, b"samples")
    assert store.load_part(utterance, 0) == b"samples"


def test_the_files_of_a_deleted_utterance_are_removed(store, database):
    utterance = spoken_text(database)
    saved = store.save(utterance, "mp3", 22050, b"sound")
    with database.write() as session:
        delete_utterance(session, utterance)
    store.forget([saved])
    store.forget([saved])
    assert names(store) == []


def test_a_store_that_cannot_be_opened_is_refused_in_one_line(tmp_path):
    (tmp_path / "file").touch()
    for target, message in {
        str(tmp_path / "file"): "file: cannot be written",
        "nosuchthing://x": "store=nosuchthing://x: Protocol not known",
    }.items():
        with pytest.raises(InputError, match=message) as refused:
            open_files(target)
        assert "\n" not in str(refused.value)


def test_a_missing_package_is_named_without_the_password(monkeypatch):
    def url_to_fs(url):
        raise ImportError("Please install s3fs to access S3")

    monkeypatch.setattr("fsspec.core.url_to_fs", url_to_fs)
    with pytest.raises(InputError, match="install s3fs") as refused:
        open_files("s3://name:secret@bucket/x")
    assert "secret" not in str(refused.value)
