// Asks the service to speak, and feeds the player with the sound while it is made.

import { ask, askJson, ServiceFault } from "./service.js";

/** Longest sound that is played here, in seconds; a longer one is for the download. */
const LONGEST = 20 * 60;

/** Speak an order {text, voice, speed, unknown}, and return {id, isStored} when all sound is here.
 *
 * `signal` stops it, and then the service stops as well. `progress(text)` tells what goes on, and
 * `words(list)` when the words are heard whose sound comes next.
 */
export async function speak(order, player, signal, { progress, words }) {
  const body = {
    model: "tacoglow",
    input: order.text,
    voice: order.voice,
    speed: order.speed,
    unknown: order.unknown,
    response_format: "pcm",
    sample_rate: player.rate,
    stream_format: "sse",
    words: true,
  };
  let answer;
  try {
    answer = await ask("/v1/audio/speech", { method: "POST", body, signal });
  } catch (error) {
    if (error.code === "text_too_long") return speakLong(order, player, signal, progress);
    throw error;
  }
  const id = answer.headers.get("X-Utterance-Id");
  try {
    await receiveEvents(answer, player, words);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw await reasonOf(id);
  }
  return { id, isStored: answer.headers.get("X-Cache") === "hit" };
}

/** Play an utterance that was spoken before. */
export async function replay({ id, seconds }, player, signal) {
  if (seconds > LONGEST) {
    player.finish();
    throw new ServiceFault("This is too long to be played here; download it instead.");
  }
  const place = `/v1/utterances/${id}/audio?format=pcm&sample_rate=${player.rate}`;
  await receive(await ask(place, { signal }), player);
}

/** Speak a long text as a job, and play it when it is whole. */
async function speakLong({ text, voice, speed, unknown }, player, signal, progress) {
  const body = { text, voice, speed, unknown };
  const headers = { Prefer: "respond-async" };
  let job = await askJson("/v1/utterances", { method: "POST", body, signal, headers });
  // what was spoken before is answered at once, as an utterance
  const id = job.utterance ?? job.id;
  try {
    while (job.state === "queued" || job.state === "running") {
      const total = job.parts_total ? `part ${job.parts_done + 1} of ${job.parts_total}` : "waiting";
      progress(`A long text, made in parts: ${total} …`);
      job = await askJson(`/v1/jobs/${job.id}?wait=1`, { signal });
    }
  } catch (error) {
    if (error.name === "AbortError") await ask(`/v1/jobs/${job.id}`, { method: "DELETE" });
    throw error;
  }
  if (job.error) throw new ServiceFault(job.error);
  if (job.state === "cancelled") throw new ServiceFault("The job was cancelled.");
  await replay(await askJson(`/v1/utterances/${id}`, { signal }), player, signal);
  return { id, isStored: true };
}

async function receive(answer, player) {
  const reader = answer.body.getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    player.feed(piece.value);
  }
  player.finish();
}

/** Take events of sound and of words, each of which ends with an empty line. */
async function receiveEvents(answer, player, words) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    const events = (rest + piece.value).split("\n\n");
    rest = events.pop();
    for (const each of events) {
      const content = JSON.parse(each.slice(each.indexOf("data: ") + 6));
      if (content.type === "speech.audio.words") words(content.words);
      if (content.type === "speech.audio.delta") player.feed(bytesOf(content.audio));
    }
  }
  player.finish();
}

/** Return the bytes that a text in base64 stands for. */
function bytesOf(text) {
  return Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
}

/** Return why the sound broke off, which only the utterance knows. */
async function reasonOf(id) {
  const lost = "The sound broke off before its end.";
  try {
    const { error } = await askJson(`/v1/utterances/${id}`);
    return new ServiceFault(error ? `${lost} ${error}` : lost);
  } catch {
    return new ServiceFault(lost);
  }
}
