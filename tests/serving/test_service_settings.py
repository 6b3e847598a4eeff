"""The settings of the service say in one line what is not legal."""

import pytest

from tts.config import compose, resolved
from tts.core.errors import InputError
from tts.serving.settings import Settings


def settings(*overrides):
    return Settings.from_config(resolved(compose(list(overrides), config_name="serve")))


def test_the_file_of_settings_is_legal_and_stays_on_this_machine():
    chosen = settings()
    assert chosen.is_loopback
    assert not chosen.keys_required
    assert chosen.speaks
    assert chosen.answers


WRONG = {
    "port=70000": "port=70000",
    "role=both": "role=both",
    "limits.body_bytes=1": "limits.body_bytes=1",
    "limits.batch=0": "limits.batch=0",
    "new_key_scopes=[root]": "root is none of speak, read, admin",
    "host=0.0.0.0 keys=none": "keys=none: with host=0.0.0.0 anyone could speak",
    "drain_seconds=-1": "drain_seconds=-1",
}


@pytest.mark.parametrize("overrides", WRONG)
def test_a_wrong_value_is_named(overrides):
    with pytest.raises(InputError, match=WRONG[overrides].replace(".", r"\.").replace("[", r"\[")):
        settings(*overrides.split())


def test_another_host_needs_keys():
    assert settings("host=0.0.0.0").keys_required
    assert settings("host=::").keys_required
    assert not settings("host=127.0.0.5").keys_required
    assert settings("keys=required").keys_required
