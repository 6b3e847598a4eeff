"""The scheduler decides what is done next, from nothing but places in the queue."""

from tts.serving.engine.scheduler import Task, joining_turn, next_tasks


def task(name, lane=0, is_first=False, turn=0, order=0, group="g", most=2):
    return Task(None, name, lane, is_first, turn, order, group, most)


def names(tasks):
    return [chosen.item for chosen in next_tasks(tasks)]


def test_nothing_waits():
    assert next_tasks([]) == []


def test_a_sentence_comes_before_a_book():
    book = task("book", lane=1, is_first=True, turn=-5, group=None)
    assert names([book, task("sentence", turn=9)]) == ["sentence"]


def test_first_sentences_come_before_later_ones_and_are_decoded_together():
    tasks = [
        task("later", turn=1),
        task("a", is_first=True, order=2),
        task("b", is_first=True, order=1),
    ]
    assert names(tasks) == ["b", "a"]


def test_what_is_decoded_is_vocoded_before_others_are_decoded():
    tasks = [task("row", is_first=True, order=1), task("sound", is_first=True, order=2, group=None)]
    assert names(tasks) == ["sound"]
    assert names([*tasks, task("more", lane=0, group=None)]) == ["sound"]


def test_a_later_sentence_is_not_vocoded_before_a_first_one_is_decoded():
    assert names([task("later", group=None), task("first", is_first=True)]) == ["first"]


def test_only_equal_options_are_decoded_together():
    tasks = [task("a"), task("other", group="h", turn=1), task("b", turn=2)]
    assert names(tasks) == ["a", "b"]


def test_the_smallest_batch_of_all_counts():
    assert names([task("a", most=8), task("b", most=1)]) == ["a"]


def test_a_batch_has_no_more_rows_than_it_may():
    tasks = [task(name, turn=turn) for turn, name in enumerate("abc")]
    assert names(tasks) == ["a", "b"]


def test_requests_take_turns():
    tasks = [
        task("first request, third sentence", turn=2, order=0, most=1),
        task("second request, second sentence", turn=1, order=1, most=1),
    ]
    assert names(tasks) == ["second request, second sentence"]


def test_a_new_request_joins_at_the_turn_of_the_others():
    assert joining_turn([]) == 0
    assert joining_turn([7, 3]) == 3
