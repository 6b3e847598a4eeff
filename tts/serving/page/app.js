const form = document.getElementById("form");
const message = document.getElementById("message");
const sound = document.getElementById("sound");
const voice = document.getElementById("voice");
const key = document.getElementById("key");

function headers() {
  const all = { "Content-Type": "application/json" };
  if (key.value) all.Authorization = `Bearer ${key.value}`;
  return all;
}

async function listVoices() {
  const answer = await fetch("/v1/audio/voices", { headers: headers() });
  if (!answer.ok) return;
  const { voices } = await answer.json();
  voice.replaceChildren(...voices.map(({ id, name }) => new Option(name, id)));
}

async function speak(event) {
  event.preventDefault();
  message.textContent = "Speaking …";
  if (!voice.value) await listVoices();
  const answer = await fetch("/v1/audio/speech", {
    method: "POST",
    headers: headers(),
    body: JSON.stringify({
      model: "tacoglow",
      voice: voice.value,
      input: document.getElementById("text").value,
      response_format: "wav",
    }),
  });
  if (!answer.ok) {
    const body = await answer.json();
    message.textContent = body.error?.message ?? body.detail;
    return;
  }
  const old = sound.src;
  sound.src = URL.createObjectURL(await answer.blob());
  if (old) URL.revokeObjectURL(old);
  message.textContent = "";
  await sound.play();
}

form.addEventListener("submit", (event) => {
  speak(event).catch((error) => {
    message.textContent = `The service cannot be reached (${error.message}).`;
  });
});
key.addEventListener("change", listVoices);
listVoices();
