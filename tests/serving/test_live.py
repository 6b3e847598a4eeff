"""A server in its own process speaks with the real client of OpenAI, and stops when told to."""

import json
import signal
import socket
import time
import urllib.request

import numpy as np
import pytest

from tests.support.served import started_server
from tests.support.serving import read_sound, wait_for

TEXT = "The clock on the wall stopped at noon. Nobody wound it again."


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Start a server with the voice of the package, and return where it listens."""
    folder = tmp_path_factory.mktemp("served")
    with started_server(folder, "log=json", "drain_seconds=30") as server:
        yield server


def metric(place, name):
    with urllib.request.urlopen(f"{place}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


def post(place, **body):
    """Send a request for speech over a socket of its own."""
    host, port = place.removeprefix("http://").split(":")
    data = json.dumps({"model": "tts-1", "voice": "lj", **body}).encode()
    connection = socket.create_connection((host, int(port)))
    connection.sendall(
        b"POST /v1/audio/speech HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        + f"Content-Length: {len(data)}\r\n\r\n".encode()
        + data
    )
    return connection


@pytest.mark.slow
def test_the_client_of_openai_hears_exactly_what_synthesize_writes(address, command, tmp_path):
    from openai import OpenAI

    place, _, _ = address
    client = OpenAI(base_url=f"{place}/v1", api_key="none", max_retries=0)
    output = tmp_path / "file.wav"
    assert command("synthesize", f"text={TEXT}", "margin=0", f"output={output}")[0] == 0
    expected, rate = read_sound(output.read_bytes())
    asked = {"model": "tts-1", "voice": "lj", "input": TEXT}
    heard = {}
    for format in ("wav", "flac", "pcm", "mp3", "opus"):
        more = {"extra_body": {"sample_rate": rate}} if format == "pcm" else {}
        with client.audio.speech.with_streaming_response.create(
            **asked, response_format=format, **more
        ) as answer:
            streamed = b"".join(answer.iter_bytes())
        whole = client.audio.speech.create(**asked, response_format=format, **more).content
        heard[format] = (streamed, whole)
    for format in ("wav", "flac"):
        for data in heard[format]:
            samples, found_rate = read_sound(data)
            assert found_rate == rate
            assert len(samples) == len(expected)
            assert (samples == expected).all()
    assert all(data == expected.astype("<i2").tobytes() for data in heard["pcm"])
    for format in ("mp3", "opus"):
        for data in heard[format]:
            samples, found_rate = read_sound(data)
            assert 0 <= len(samples) / found_rate - len(expected) / rate < 0.2
            assert np.abs(samples).max() > 1000
    assert {model.id for model in client.models.list()} >= {"tts-1"}


@pytest.mark.slow
def test_a_client_that_leaves_stops_the_decoder(address):
    place, _, _ = address
    before = metric(place, 'tacoglow_failures_total{reason="cancelled"}')
    with post(place, input=f"{TEXT} " * 60, response_format="wav") as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    wait_for(lambda: metric(place, 'tacoglow_failures_total{reason="cancelled"}') == before + 1, 60)
    # no sound is made for nobody
    made = metric(place, "tacoglow_sound_seconds_total")
    time.sleep(1)
    assert metric(place, "tacoglow_sound_seconds_total") == made


@pytest.mark.slow
def test_a_signal_lets_speech_end_and_the_status_is_zero(address):
    place, server, log = address
    text = f"This is the end. {TEXT}"
    urllib.request.urlopen(f"{place}/v1/models").close()
    with post(place, input=text, response_format="wav", seed=5) as connection:
        first = connection.recv(1 << 16)
        server.send_signal(signal.SIGTERM)
        answer = first + b"".join(iter(lambda: connection.recv(1 << 16), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n0\r\n\r\n")  # the last chunk: the sound is whole
    assert server.wait(120) == 0, log.read_text()
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert {"POST", "GET"} <= {line.get("method") for line in lines}
    assert all(line["level"] in ("info", "debug") for line in lines), log.read_text()
