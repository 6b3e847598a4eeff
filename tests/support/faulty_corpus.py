"""Makes a small corpus of artificial speech, and adds one fault of any kind to it."""

import shutil

import numpy as np
import soundfile

from tts.audio import write_wave

RATE = 22050
N_CLIPS = 24
WORDS = "seven old ships sail home from far and cold harbours while we all wait here".split()


def voice(seconds, seed, rate=RATE):
    """Make a sound like speech: a buzz of all frequencies in syllables, with a little noise."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    pitch = 2 * np.pi * np.cumsum(120 + 20 * np.sin(2 * np.pi * (0.7 * time + rng.random()))) / rate
    buzz = sum(np.sin(k * pitch) / k for k in range(1, int(0.45 * rate / 140)))
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * (4 * time + rng.random()))
    noise = 0.002 * rng.standard_normal(len(time))
    return 0.12 * buzz * syllables + noise


def text_of(number):
    rng = np.random.default_rng(number)
    return " ".join(rng.choice(WORDS, 3 + number % 4)) + f" {WORDS[number % 14]}."


class Corpus:
    """Writes a folder in LJ Speech's layout, whose rows and recordings a test can change."""

    def __init__(self, root):
        self.root = root
        self.rows = {f"clip-{n:02}": text_of(n) for n in range(N_CLIPS)}
        (root / "wavs").mkdir(parents=True)
        for number, (name, text) in enumerate(self.rows.items()):
            write_wave(self.wav(name), voice(len(text) / 15, number), RATE)
        self.write()

    def wav(self, name):
        return self.root / "wavs" / f"{name}.wav"

    def write(self):
        lines = [f"{name}|{text}" for name, text in self.rows.items()]
        (self.root / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def say(self, name, text):
        self.rows[name] = text
        self.write()

    def record(self, name, samples, rate=RATE):
        write_wave(self.wav(name), samples, rate)

    def change(self, name, change):
        samples, rate = soundfile.read(self.wav(name))
        self.record(name, change(samples), rate)


def silence(seconds):
    return np.zeros(round(seconds * RATE))


def clip_hard(corpus):
    corpus.change("clip-03", lambda samples: (samples * 20).clip(-1, 1))


def clip_and_turn_down(corpus):
    corpus.change("clip-03", lambda samples: (samples * 20).clip(-1, 1) * 0.5)


def silence_all(corpus):
    corpus.record("clip-03", silence(2))


def leave_a_hum(corpus):
    corpus.record("clip-03", 5e-5 * np.sin(np.arange(2 * RATE)))


def lead_long(corpus):
    corpus.change("clip-03", lambda samples: np.concatenate([silence(0.8), samples]))


def tail_long(corpus):
    corpus.change("clip-03", lambda samples: np.concatenate([samples, silence(0.8)]))


def tail_noisy(corpus):
    noise = 1e-4 * np.random.default_rng(0).standard_normal(RATE)
    corpus.change("clip-03", lambda samples: np.concatenate([samples, noise]))


def shift(corpus):
    corpus.change("clip-03", lambda samples: samples + 0.05)


def whisper(corpus):
    corpus.change("clip-03", lambda samples: samples / 50)


def other_rate(corpus):
    corpus.record("clip-03", voice(len(corpus.rows["clip-03"]) / 15, 3, 16000), 16000)


def two_channels(corpus):
    samples, _ = soundfile.read(corpus.wav("clip-03"))
    soundfile.write(corpus.wav("clip-03"), np.stack([samples, samples], 1), RATE)


def no_sound(corpus):
    corpus.wav("clip-03").write_bytes(b"nothing that could be heard")


def truncate(corpus):
    whole = corpus.wav("clip-03").read_bytes()
    corpus.wav("clip-03").write_bytes(whole[: len(whole) // 2])


def not_a_number(corpus):
    samples = voice(1, 0).astype(np.float32)
    samples[100] = np.nan
    soundfile.write(corpus.wav("clip-03"), samples, RATE, subtype="FLOAT")


def telephone(corpus):
    import soxr

    samples, _ = soundfile.read(corpus.wav("clip-03"))
    narrow = soxr.resample(soxr.resample(samples, RATE, 8000), 8000, RATE)
    corpus.record("clip-03", narrow)


def speak_too_long(corpus):
    corpus.rows["clip-03"] = " ".join([text_of(3)] * 12)
    corpus.record("clip-03", voice(len(corpus.rows["clip-03"]) / 15, 3))
    corpus.write()


def say_less(corpus):
    corpus.say("clip-03", "Ships.")


def say_more(corpus):
    corpus.say("clip-03", " ".join([text_of(3)] * 3))


def smile(corpus):
    corpus.say("clip-03", text_of(3) + " ☺")


def misspell_a_phone(corpus):
    corpus.say("clip-03", text_of(3) + " {HH QQ}")


def say_nothing(corpus):
    corpus.say("clip-03", "!?")


def speak_russian(corpus):
    corpus.say("clip-03", "Семь старых кораблей плывут домой.")


def repeat_the_sound(corpus):
    shutil.copy(corpus.wav("clip-02"), corpus.wav("clip-03"))
    corpus.say("clip-03", corpus.rows["clip-02"])


def repeat_the_sound_with_another_text(corpus):
    # another file format, so that the samples are the same and the bytes differ
    samples, _ = soundfile.read(corpus.wav("clip-02"))
    soundfile.write(corpus.wav("clip-03"), samples, RATE, subtype="FLOAT")
    corpus.say("clip-03", text_of(2)[:-1] + "?")


def repeat_the_text(corpus):
    samples, _ = soundfile.read(corpus.wav("clip-02"))
    corpus.record("clip-03", samples * 0.9)
    corpus.say("clip-03", text_of(2))


def be_brief(corpus):
    corpus.record("clip-03", voice(0.6, 3))
    corpus.say("clip-03", "old ships")


#: Function that adds a fault to the recording or the row "clip-03" -> the check that has to find
#: the fault, and its severity.
FAULTS = {
    clip_hard: ("clipping", "warning"),
    clip_and_turn_down: ("clipping", "warning"),
    silence_all: ("silent", "error"),
    leave_a_hum: ("silent", "error"),
    lead_long: ("lead", "warning"),
    tail_long: ("tail", "warning"),
    tail_noisy: ("tail", "warning"),
    shift: ("offset", "warning"),
    whisper: ("faint", "warning"),
    other_rate: ("rate", "error"),
    two_channels: ("channels", "error"),
    no_sound: ("unreadable", "error"),
    truncate: ("unreadable", "error"),
    not_a_number: ("unreadable", "error"),
    telephone: ("band", "warning"),
    speak_too_long: ("duration", "warning"),
    say_less: ("pace", "warning"),
    say_more: ("pace", "warning"),
    smile: ("symbols", "warning"),
    misspell_a_phone: ("symbols", "error"),
    say_nothing: ("unpronounceable", "error"),
    speak_russian: ("script", "error"),
    repeat_the_sound: ("same_sound", "warning"),
    repeat_the_sound_with_another_text: ("same_sound", "error"),
    repeat_the_text: ("same_text", "note"),
    be_brief: ("segment", "note"),
}
# Function -> further checks that find the same fault.
ALSO_FOUND_BY = {repeat_the_sound: {"same_text"}}
