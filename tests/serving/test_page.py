"""The page speaks, shows and remembers in a real browser; it is never told by another host."""

import os
import resource
import shutil
from contextlib import contextmanager
from itertools import pairwise

import pytest

from tests.support.served import listening, started_server
from tests.support.serving import wait_for
from tts.serving.data.keys import issue_key

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
#: Keys as WebDriver writes them (W3C, section 17.4.2).
CONTROL, ENTER, ESCAPE, HOME, ARROW_RIGHT = "\ue009", "\ue007", "\ue00c", "\ue011", "\ue014"
SENTENCE = "The clock on the wall stopped at noon, and nobody wound it again."
#: Notes the pieces of sound that are handed to the sound card: when, seconds, loudest sample.
LISTENING = """
window.handed = [];
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (when, ...more) {
  const peak = this.buffer.getChannelData(0).reduce((most, each) => Math.max(most, each), 0);
  handed.push([when, this.buffer.duration, peak]);
  return start.call(this, when, ...more);
};
"""


class Page:
    """Uses the page as people do.

    Args:
        driver: of the browser.
    """

    def __init__(self, driver):
        self.driver = driver

    def open(self, address):
        self.address = address
        self.driver.get(f"{address}/")

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def count(self, selector):
        return self.run(f"return document.querySelectorAll({selector!r}).length")

    def text(self, selector):
        return self.run(f"return document.querySelector({selector!r})?.textContent ?? ''")

    def run(self, script):
        return self.driver.execute_script(script)

    def write(self, text, selector="#text"):
        field = self.find(selector)
        field.clear()
        field.send_keys(text)

    def until(self, condition, seconds=60):
        wait_for(condition, seconds)

    def until_text(self, selector, part):
        self.until(lambda: part in self.text(selector))

    def shape(self, width, height, theme="light"):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        features = [
            {"name": "prefers-color-scheme", "value": theme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def errors(self):
        """Return what the console says since the last time."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def foreign(self):
        """Return what was fetched from other hosts."""
        names = self.run("return performance.getEntriesByType('resource').map((e) => e.name)")
        assert names
        return [name for name in names if not name.startswith((self.address, "data:", "blob:"))]


@pytest.fixture(scope="module")
def page():
    """Return a page in a browser without a window; it hears through a sound card that is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
    if not (shutil.which(CHROMIUM) and shutil.which(DRIVER)):
        pytest.skip("needs Debian's packages chromium and chromium-driver")
    if resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
        pytest.skip("Chromium reserves more address space than `ulimit -v` allows here")
    with _browser(webdriver) as driver:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": LISTENING})
        yield Page(driver)


@contextmanager
def _browser(webdriver):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    # Chromium's sandbox does not start for root
    arguments = ["--headless=new", "--disable-dev-shm-usage", "--hide-scrollbars"]
    for argument in [*arguments, *(["--no-sandbox"] if os.geteuid() == 0 else [])]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.mark.slow
def test_a_sentence_is_heard_while_its_words_light_up(page, tmp_path, record_testsuite_property):
    with started_server(tmp_path) as (address, _, _):
        page.shape(1280, 900)
        page.open(address)
        page.until(lambda: page.count("#voice option") == 1)
        page.write(SENTENCE)
        page.find("#speak").click()
        page.until_text("#status", "First sound after")
        seconds = page.run("return performance.getEntriesByName('first sound')[0].duration") / 1000
        record_testsuite_property("first_sound_seconds", round(seconds, 2))
        page.until(lambda: page.count("#words .lit") == 1)
        lit = set()
        page.until(lambda: lit.add(page.run(LIT)) or len(lit - {None}) >= 3)
        assert lit - {None} <= set(SENTENCE.replace(",", "").replace(".", "").split())
        _take_picture(page)
        page.until(lambda: page.run("return document.querySelector('#stop').disabled"))
        heard = page.run("return handed")
        total = sum(length for _, length, _ in heard)
        assert 2 < total < 10
        assert max(peak for _, _, peak in heard) > 0.1
        for (before, length, _), (when, _, _) in pairwise(heard):
            assert when == pytest.approx(before + length, abs=1e-4)  # no gap within the sound
        page.find("#picture summary").click()
        page.until(lambda: page.run("return document.querySelector('#drawing').naturalWidth > 500"))
        assert page.errors() == []
        assert page.foreign() == []


LIT = "return document.querySelector('#words .lit')?.textContent ?? null"


def _take_picture(page):
    """Write the picture of docs/service.md, where PAGE_PICTURE names its file."""
    if path := os.environ.get("PAGE_PICTURE"):
        page.driver.get_screenshot_as_file(path)


@pytest.mark.slow
def test_words_light_up_while_the_rest_is_still_being_made(page, make_service):
    service = make_service()
    service.engine.gate.clear()
    with listening(service) as address:
        page.shape(1280, 900)
        page.open(address)
        page.until(lambda: page.count("#voice option") == 2)
        first, second = "One sentence is heard by now.", "Another one is made much later."
        page.write(f"{first} {second}")
        page.find("#speak").click()
        page.until(lambda: page.run(LIT) == first)
        assert page.text("#words") == f"{first} {second}"
        assert page.count("#words span") == 1
        assert page.run("return document.querySelector('#download').disabled")
        service.engine.gate.set()
        page.until(lambda: page.run(LIT) == second)
        page.until(lambda: page.find("#download").is_enabled())
        assert page.text("#words") == f"{first} {second}"
        assert page.count("#words span") == 2
        assert page.errors() == []


@pytest.mark.slow
def test_what_goes_wrong_is_said_and_what_was_spoken_is_kept(page, make_service):
    service = make_service("keys=required")
    with service.database.write() as session:
        key = issue_key(session, "page", ["speak", "read"])[1]
    with listening(service) as address:
        page.shape(360, 740)
        page.open(address)
        _give_key(page, key)
        _speak_two_texts(page)
        _use_words_and_keyboard(page)
        _search_and_delete(page)
        assert page.run("return document.documentElement.scrollWidth") == 360
        assert page.foreign() == []
        only_401 = [error for error in page.errors() if "401" not in error]
        assert only_401 == []
        _see_errors(page, service)
        assert page.run("return document.documentElement.scrollWidth") == 360
        page.find("#forget").click()
        page.until(lambda: page.find("#key-form").is_displayed())


def _give_key(page, key):
    page.until(lambda: page.find("#key-form").is_displayed())
    page.write("wrong", "#key")
    page.find("#key-form button").click()
    page.until_text("#key-hint", "unknown or was revoked")
    page.write(key, "#key")
    page.find("#key-form button").click()
    page.until(lambda: page.count("#voice option") == 2)
    assert page.run("return Object.keys(localStorage).length") == 0


def _speak_two_texts(page):
    for text in ("Hello world <b>you</b>.", "A second text."):
        page.write(text)
        page.find("#text").send_keys(CONTROL, ENTER)
        page.until_text("#history li", text)
        page.until(lambda: page.find("#download").is_enabled())
    assert page.count("#history li") == 2
    assert page.count("#history b") == 0


def _use_words_and_keyboard(page):
    page.find("#history li:last-child button.text").click()
    page.until(
        lambda: page.text("#words") == "Hello world <b>you</b>." and page.count("#words span")
    )
    page.find("#text").send_keys(ESCAPE)
    slider = page.find("#wave")
    slider.send_keys(HOME)
    slider.send_keys(ARROW_RIGHT)
    assert slider.get_attribute("aria-valuenow") == "1"
    page.find("#reading summary").click()
    page.until(lambda: page.count("#sentences code"))


def _search_and_delete(page):
    page.write("second", "#search")
    page.until(lambda: page.count("#history li") == 1)
    delete = page.find("#history .actions button:last-child")
    delete.click()
    assert page.count("#history li") == 1
    delete.click()
    page.until(lambda: page.text("#history-status") == "nothing found")
    page.find("#search").clear()
    page.find("#search").send_keys("h")
    page.until(lambda: page.count("#history li") == 1)


def _see_errors(page, service):
    for text, message in {
        "Look ☂ here": "cannot be read by this voice",
        "We break. The sentence to break is this one.": "The sound broke off before its end.",
    }.items():
        page.write(text)
        page.find("#speak").click()
        page.until_text("#error", message)
    page.write("Look ☂ here")
    page.find("#speak").click()
    page.until(lambda: page.count("#error button"))
    page.find("#error button").click()
    page.until_text("#status", "First sound after")
    service.engine.gate.clear()
    page.write("One sentence is heard. Another one is never made.")
    page.find("#speak").click()
    page.until(lambda: service.engine.n_steps > 3)
    page.until_text("#status", "First sound after")  # while the rest is being made
    page.find("#stop").click()
    page.until_text("#status", "Stopped.")
    wait_for(lambda: len(service.speaker.sounds) == 0)
