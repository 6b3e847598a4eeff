// Puts the parts of the page together.

import { button, clock, element } from "./elements.js";
import { History } from "./history.js";
import { Player } from "./player.js";
import { Reading } from "./reading.js";
import { ask, askJson, download, hasKey, onKeyNeeded, setKey } from "./service.js";
import { replay, speak } from "./speech.js";
import { Waveform } from "./waveform.js";
import { Words } from "./words.js";

const $ = (id) => document.getElementById(id);
/** Milliseconds between two looks for an utterance that was just spoken, and their number. */
const BETWEEN = 200;
const LOOKS = 50;

const voices = new Map();
const player = new Player();
const waveform = new Waveform($("wave"), player);
const words = new Words($("words"), player);
const reading = new Reading($("reading"), $("sentences"), readingOrder);
const history = new History(
  { list: $("history"), search: $("search"), more: $("more"), status: $("history-status") },
  { play: (utterance) => run((signal) => playAgain(utterance, signal)), download: save, fault },
);

let making = null; // an AbortController while sound is made or fetched
let shown = null; // id of the utterance in the player, once it is kept
let isAwaited = false; // no sound of the utterance was heard yet

function readingOrder() {
  // what is not sent, the voice decides
  const unknown = $("unknown").value || undefined;
  return { text: $("text").value, voice: $("voice").value, unknown };
}

/** Return the speed; the slider is logarithmic, so that 1 is in its middle. */
function speed() {
  return Number((2 ** $("speed").value).toFixed(2));
}

function status(text) {
  $("status").textContent = text;
}

/** Show an error as the service says it; `{}` takes it away. */
function fault({ message = "", code = "", faults = [] }) {
  const nodes = message ? [element("p", "fault", message)] : [];
  if (faults.length > 1) {
    const list = element("ul");
    for (const { detail, offset } of faults) {
      const place = Number.isInteger(offset) ? ` (character ${offset + 1})` : "";
      list.append(element("li", "", `${detail}${place}`));
    }
    nodes.push(list);
  }
  if (code === "unreadable_characters") {
    nodes.push(button("Leave out and speak", "Leave out what cannot be read, and speak", leaveOut));
  }
  $("error").replaceChildren(...nodes);
}

function leaveOut() {
  $("unknown").value = "skip";
  $("form").requestSubmit();
  $("speak").focus();
}

// ---- speaking

/** Do something that makes sound; what sounded before ends. */
async function run(work) {
  performance.clearMarks("asked");
  performance.mark("asked");
  stop();
  const own = new AbortController();
  making = own;
  fault({});
  controls();
  try {
    await work(own.signal);
  } catch (error) {
    if (making === own && error.name !== "AbortError") {
      status("");
      fault(error);
      // what is known of a sound may fail to come, though all of the sound is here
      if (!player.isComplete) player.pause();
      if (player.length === 0) $("player").hidden = true;
    }
  } finally {
    if (making === own) making = null;
    controls();
  }
}

function stop() {
  if (making !== null) status("Stopped.");
  making?.abort();
  making = null;
  player.pause();
  controls();
}

async function speakText(signal) {
  if (voices.size === 0) await listVoices();
  const order = { ...readingOrder(), speed: speed() };
  open(order.text, order.voice, "Making the sound …");
  const told = { progress: status, words: (list) => words.add(list) };
  const { id, isStored } = await speak(order, player, signal, told);
  if (!isStored) await untilKept(id, signal);
  await show(id, signal);
}

async function playAgain(utterance, signal) {
  open(utterance.text, utterance.voice, "Fetching the sound …");
  history.choose(utterance.id);
  await replay(utterance, player, signal);
  await show(utterance.id, signal);
}

/** Make the player ready for the sound of a text. */
function open(text, voice, message) {
  status(message);
  shown = null;
  isAwaited = true;
  words.show(text);
  $("player").hidden = false;
  $("drawing").hidden = true;
  $("picture-status").textContent = "It can be drawn when the sound is whole.";
  player.open(voices.get(voice)?.sample_rate ?? 22050);
}

/** Wait until an utterance whose sound has just been made is in the store as well. */
async function untilKept(id, signal) {
  for (let look = 0; look < LOOKS; look++) {
    const { utterances } = await askJson("/v1/utterances?limit=20", { signal });
    if (utterances.some((each) => each.id === id && each.state === "spoken")) return;
    await new Promise((resolve) => setTimeout(resolve, BETWEEN));
  }
}

/** Show what is known of an utterance that is kept. */
async function show(id, signal) {
  if (!words.hasMarks) {
    const { text } = await askJson(`/v1/utterances/${id}`, { signal });
    const timings = await askJson(`/v1/utterances/${id}/timings?format=json`, { signal });
    words.show(text);
    words.add(timings.words);
  }
  shown = id;
  history.choose(id);
  controls();
  drawPicture();
  await history.refresh();
}

async function drawPicture() {
  const id = shown;
  if (id === null || !$("picture").open || !$("drawing").hidden) return;
  $("picture-status").textContent = "Drawing …";
  try {
    const data = await (await ask(`/v1/utterances/${id}/alignment.png`)).blob();
    if (id !== shown) return;
    URL.revokeObjectURL($("drawing").src);
    $("drawing").src = URL.createObjectURL(data);
    $("drawing").hidden = false;
    $("picture-status").textContent = "";
  } catch (error) {
    $("picture-status").textContent = error.message;
  }
}

async function save(id) {
  try {
    await download(id, $("format").value);
  } catch (error) {
    fault(error);
  }
}

// ---- what is shown

function controls() {
  $("stop").disabled = making === null && !player.isPlaying;
  $("download").disabled = shown === null;
  $("play").classList.toggle("playing", player.isPlaying);
  $("play").setAttribute("aria-label", player.isPlaying ? "Pause" : "Play");
  $("count").textContent = `${$("text").value.length.toLocaleString()} characters`;
  $("speed-shown").textContent = `${speed().toFixed(2)} ×`;
  $("speed").setAttribute("aria-valuetext", `${speed()} times`);
  const { name, licence } = voices.get($("voice").value) ?? {};
  $("licence").textContent = licence ? `${name}: ${licence}` : "";
  draw();
}

function draw() {
  if ($("player").hidden) return;
  waveform.draw();
  words.follow();
  $("time").textContent = `${clock(player.position)} / ${clock(player.duration)}`;
  if (isAwaited && player.isPlaying && player.position > 0) {
    isAwaited = false;
    const { duration } = performance.measure("first sound", "asked");
    status(`First sound after ${(duration / 1000).toFixed(2)} s.`);
  }
}

function frame() {
  draw();
  if (player.isPlaying) requestAnimationFrame(frame);
}

async function listVoices() {
  const { voices: list } = await askJson("/v1/voices");
  voices.clear();
  for (const voice of list) voices.set(voice.id, voice);
  $("voice").replaceChildren(...list.map(({ id, name }) => new Option(name, id)));
}

async function start() {
  $("forget").hidden = !hasKey();
  controls();
  try {
    await listVoices();
  } catch (error) {
    // the form for a key says enough
    if (error.status !== 401) fault(error);
    return;
  }
  controls();
  reading.refresh();
  await history.refresh();
}

// ---- what people do

player.addEventListener("change", () => {
  controls();
  if (player.isPlaying) requestAnimationFrame(frame);
});
$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  run(speakText);
});
$("stop").addEventListener("click", stop);
$("play").addEventListener("click", () => (player.isPlaying ? player.pause() : player.play()));
$("download").addEventListener("click", () => save(shown));
$("picture").addEventListener("toggle", drawPicture);
for (const id of ["text", "voice", "unknown"]) {
  $(id).addEventListener("input", () => {
    controls();
    reading.changed();
  });
}
$("speed").addEventListener("input", controls);
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("form").requestSubmit();
  else if (event.key === "Escape") stop();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

onKeyNeeded((reason) => {
  setKey(null);
  if (reason) $("key-hint").textContent = `The service says: ${reason}.`;
  $("key-form").hidden = false;
  $("forget").hidden = true;
  $("key").focus();
});
$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  setKey($("key").value.trim());
  $("key").value = "";
  $("key-form").hidden = true;
  fault({});
  start();
});
$("forget").addEventListener("click", () => {
  setKey(null);
  location.reload();
});

start();
