// Talks with the service. Every failure becomes a ServiceFault with a message for people.

const KEY = "tacoglow-key";
let askForKey = () => {};

export class ServiceFault extends Error {
  constructor(message, { status = 0, code = "", faults = [] } = {}) {
    super(message);
    Object.assign(this, { status, code, faults });
  }
}

/** Set what is called when the service wants a key; its argument says what was wrong with the last. */
export function onKeyNeeded(callback) {
  askForKey = callback;
}

export function hasKey() {
  return sessionStorage.getItem(KEY) !== null;
}

/** Keep a key until the tab is closed; null forgets it. */
export function setKey(key) {
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
}

/** Return the answer to a request if it is a good one. `body` is sent as JSON. */
export async function ask(path, { method = "GET", body, signal, headers = {} } = {}) {
  const key = sessionStorage.getItem(KEY);
  const all = { ...headers };
  if (key !== null) all.Authorization = `Bearer ${key}`;
  if (body !== undefined) all["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers: all, signal, body: JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServiceFault("The service cannot be reached. Is it still running?");
  }
  if (answer.ok) return answer;
  const fault = await faultOf(answer);
  if (fault.status === 401) askForKey(key === null ? "" : fault.message);
  throw fault;
}

export async function askJson(path, options) {
  return (await ask(path, options)).json();
}

/** Let the browser save the sound of an utterance in a format. */
export async function download(id, format) {
  const answer = await ask(`/v1/utterances/${id}/audio?format=${format}`);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = `${id.slice(0, 12)}.${format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Read an error in either of its two shapes: OpenAI's, or problem details. */
async function faultOf(answer) {
  let content = {};
  try {
    content = await answer.json();
  } catch {
    // a proxy between page and service answers with something else
  }
  const { message, detail, code, errors } = content.error ?? content;
  const text = message ?? detail ?? `The service answered with status ${answer.status}.`;
  return new ServiceFault(text, { status: answer.status, code, faults: errors ?? [] });
}
