"""Counts what the service does, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
_RATIOS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Metrics:
    """Holds the metrics of one service; their names begin with ``tacoglow_``.

    Every service has a registry of its own, so that several can live in one process.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"tacoglow_{name}", text, labels, registry=self.registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(
                f"tacoglow_{name}", text, labels, buckets=buckets, registry=self.registry
            )

        self._answers = counter("answers", "Answers.", "method", "route", "status")
        self._answer_seconds = histogram(
            "answer_seconds", "Time from a request to the end of its answer.", _SECONDS, "route"
        )
        self._first_sound = histogram(
            "first_sound_seconds", "Time from a request to its first sound.", _SECONDS, "cache"
        )
        self._wait = histogram(
            "wait_seconds", "Time that speech waits before it is begun.", _SECONDS, "lane"
        )
        self._rtf = histogram(
            "real_time_factor", "Time of computing over time of playing.", _RATIOS
        )
        self._characters = counter("characters", "Characters that were asked for.")
        self._sound = counter("sound_seconds", "Seconds of sound that were made.")
        self._requests = counter("speech", "Requests for speech by where it came from.", "cache")
        self._steps = counter(
            "decoder_steps",
            "Decoder steps, one for a batch, by whether somebody still waited for the sound.",
            "awaited",
        )
        for awaited in ("yes", "no"):
            self._steps.labels(awaited)  # so that both can be read from the start
        self._failures = counter("failures", "Speech that was not made, by reason.", "reason")
        self._queue = Gauge(
            "tacoglow_queue_length", "Jobs that wait.", ["lane"], registry=self.registry
        )
        self._engine = Gauge(
            "tacoglow_unfinished",
            "What the engine of this process has taken on, jobs included.",
            ["lane"],
            registry=self.registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer."""
        # a client may write any word as its method
        method = method if method in _METHODS else "other"
        self._answers.labels(method, route, status or 499).inc()
        self._answer_seconds.labels(route).observe(seconds)

    def asked(self, n_chars: int, cache: str) -> None:
        """Count a request for speech; ``cache`` is ``"hit"``, ``"joined"`` or ``"miss"``."""
        self._requests.labels(cache).inc()
        self._characters.inc(n_chars)

    def first_sound(self, seconds: float, cache: str) -> None:
        """Record the time to the first sound of a request."""
        self._first_sound.labels(cache).observe(seconds)

    def waited(self, lane: str, seconds: float) -> None:
        """Record how long speech has waited for its turn."""
        self._wait.labels(lane).observe(seconds)

    def spoken(self, seconds: float, compute_seconds: float) -> None:
        """Count sound that was made, and the time that it took."""
        self._sound.inc(seconds)
        if seconds > 0:
            self._rtf.observe(compute_seconds / seconds)

    def stepped(self, is_awaited: bool) -> None:
        """Count a decoder step, and whether somebody waited for what it made."""
        self._steps.labels("yes" if is_awaited else "no").inc()

    def failed(self, reason: str) -> None:
        """Count speech that was not made; ``reason`` is the code of an error."""
        self._failures.labels(reason).inc()

    def watch_queue(self, lane: str, length: Callable[[], float]) -> None:
        """Let a lane's length be asked for whenever the metrics are read."""
        self._queue.labels(lane).set_function(length)

    def watch_engine(self, lane: str, number: Callable[[], float]) -> None:
        """Let the number of requests in the engine be asked for whenever the metrics are read."""
        self._engine.labels(lane).set_function(number)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)
