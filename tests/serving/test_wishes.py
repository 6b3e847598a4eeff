"""The options of a voice decide what a request does not say, and are part of its version."""

import pytest

from tests.support.serving import client_of, hum, read_sound, settle
from tts.audio.pcm import to_int16
from tts.inference import Options
from tts.serving.engine.voice_list import VoiceEntry
from tts.serving.errors import ServiceError
from tts.serving.starting import version_record
from tts.serving.wishes import Wishes

TEXT = "Hello there."
ASKED = {"voice": "lj", "input": TEXT, "response_format": "wav"}


@pytest.fixture
def ask(make_service):
    """Return a function that asks a service, whose voice has options, and tells what was spoken."""

    def ask(options, **body):
        service = make_service(options=options)
        with client_of(service) as client:
            answer = client.post("/v1/audio/speech", json={**ASKED, **body})
            assert answer.status_code == 200, answer.text
            settle(service)
            place = f"/v1/utterances/{answer.headers['x-utterance-id']}"
            return answer, client.get(place).json()

    return ask


@pytest.mark.parametrize(("body", "seed"), [({}, 7), ({"seed": 3}, 3), ({"seed": 0}, 0)])
def test_the_seed_is_that_of_the_request_or_of_the_voice(ask, body, seed):
    answer, utterance = ask({"seed": 7}, **body)
    assert utterance["seed"] == seed
    assert (read_sound(answer.content)[0] == to_int16(hum(TEXT, seed))).all()


@pytest.mark.parametrize(
    ("options", "body", "spoken"),
    [
        ({}, {}, {"speed": 1, "guard": "sentence", "unknown": "raise"}),
        (
            {"guard": False, "on_unknown": "skip", "speed": 1.5},
            {},
            {"speed": 1.5, "guard": "off", "unknown": "skip"},
        ),
        (
            {"guard": False, "on_unknown": "skip", "speed": 1.5},
            {"guard": "sentence", "unknown": "raise", "speed": 2},
            {"speed": 3, "guard": "sentence", "unknown": "raise"},
        ),
        ({"speed": 2}, {"speed": 0.5}, {"speed": 1, "guard": "sentence", "unknown": "raise"}),
    ],
)
def test_what_a_request_does_not_say_the_voice_decides(ask, options, body, spoken):
    assert ask(options, **body)[1]["options"] == spoken


def test_the_engine_gets_the_speed_that_the_recipe_names(make_service):
    service = make_service(options={"speed": 2})
    order = service.desk.take(TEXT, "lj", Wishes(speed=0.5), most_chars=100, text_name="text")
    assert service.desk.request(order, "interactive").options["speed"] == 1


def test_a_speed_that_both_together_do_not_allow_is_refused():
    with pytest.raises(ServiceError, match=r"times that of the voice, 2, it must be .*4"):
        Wishes(speed=3).options(Options(speed=2))


def test_a_seed_that_is_new_each_time_is_not_that_of_the_voice():
    seeds = {Wishes(seed="new").chosen_seed(Options(seed=7)) for _ in range(3)}
    assert len(seeds - {7}) == 3


def test_the_voice_leaves_out_what_it_cannot_read_where_its_options_say_so(ask):
    assert ask({"on_unknown": "skip"}, input="Hi ☃.")[0].status_code == 200


@pytest.mark.parametrize("options", [{"seed": 7}, {"guard": False}, {"on_unknown": "skip"}])
def test_other_options_are_another_version(options):
    from tests.support.tiny_networks import tiny_synthesizer
    from tts.serving.engine.reading_voice import VoiceDigests
    from tts.serving.engine.voices import Voice

    def version(**options):
        digests = VoiceDigests("0" * 64, None, None)
        voice = Voice(VoiceEntry("v", "tiny", options=options), tiny_synthesizer(), digests)
        return version_record(voice).version_id

    assert version() == version()
    assert version(**options) != version()
