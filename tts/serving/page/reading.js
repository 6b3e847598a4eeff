// Shows how a text will be read: its sentences, the phones of its words, and what cannot be read.

import { element } from "./elements.js";
import { askJson } from "./service.js";

const PAUSE = 400; // milliseconds without a key after which the text is read anew

export class Reading {
  #timer = 0;
  #asked = 0;

  /** `order` returns {text, voice, unknown}. */
  constructor(details, box, order) {
    Object.assign(this, { details, box, order });
    details.addEventListener("toggle", () => this.refresh());
  }

  /** Read the text again, when nobody has typed for a moment. */
  changed() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refresh(), PAUSE);
  }

  async refresh() {
    const order = this.order();
    if (!this.details.open || !order.voice) return;
    const number = ++this.#asked;
    let nodes;
    try {
      const body = { ...order };
      nodes = shown(await askJson("/v1/readings", { method: "POST", body }));
    } catch (error) {
      nodes = [element("p", "hint", error.message)];
    }
    // an older question may be answered later than a newer one
    if (number === this.#asked) this.box.replaceChildren(...nodes);
  }
}

function shown({ sentences, unknown }) {
  const nodes = sentences.map(sentence);
  if (unknown.length > 0) {
    const all = unknown.map(({ text, offset }) => `${text} (character ${offset + 1})`);
    nodes.unshift(element("p", "fault", `The voice cannot read: ${all.join(", ")}`));
  }
  return nodes;
}

function sentence({ text, reading, words, after }) {
  const box = element("div", "sentence");
  box.append(element("p", "", text));
  if (reading !== text) box.append(element("p", "hint", `read as: ${reading}`));
  const list = element("ul", "phones");
  for (const { word, phones } of words) {
    const item = element("li");
    item.append(element("span", "", word), element("code", "", phones));
    list.append(item);
  }
  if (words.length > 0) box.append(list);
  if (after) box.append(element("p", "hint", `then the pause after a ${after}`));
  return box;
}
