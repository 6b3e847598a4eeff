// Lists what was spoken, the newest first: search, play, download, delete.

import { button, clock, element } from "./elements.js";
import { ask, askJson } from "./service.js";

const PAGE = 20;
const PAUSE = 250; // milliseconds without a key after which the search begins
const CONFIRM = 4000; // milliseconds in which a second click deletes

export class History {
  #after = null;
  #timer = 0;
  #asked = 0;

  /** `on.play(utterance)` and `on.download(id)` do what their buttons say; `on.fault(error)` shows. */
  constructor({ list, search, more, status }, on) {
    Object.assign(this, { list, search, more, status, on });
    search.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.refresh(), PAUSE);
    });
    more.addEventListener("click", () => this.#add(this.#after).catch(on.fault));
  }

  /** List anew, and return the newest utterances. */
  async refresh() {
    try {
      return await this.#add(null);
    } catch (error) {
      this.list.replaceChildren();
      this.more.hidden = true;
      this.status.textContent = error.message;
      return [];
    }
  }

  /** Mark the utterance that is in the player. */
  choose(id) {
    this.chosen = id;
    for (const item of this.list.children) this.#mark(item);
  }

  async #add(after) {
    const query = new URLSearchParams({ limit: PAGE });
    const words = this.search.value.trim();
    if (words) query.set("q", words);
    if (after) query.set("after", after);
    const number = ++this.#asked;
    const page = await askJson(`/v1/utterances?${query}`);
    if (number !== this.#asked) return page.utterances; // a newer list is on its way
    const items = page.utterances.map((utterance) => this.#item(utterance));
    if (after) this.list.append(...items);
    else this.list.replaceChildren(...items);
    this.#after = page.after;
    this.more.hidden = page.after === null;
    this.#count();
    return page.utterances;
  }

  #count() {
    const n = this.list.children.length;
    const more = this.more.hidden ? "" : "+";
    if (n > 0) this.status.textContent = `${n}${more}`;
    else this.status.textContent = this.search.value.trim() ? "nothing found" : "nothing yet";
  }

  #item(utterance) {
    const { id, text, voice, seconds, state, error, created_at: created, options } = utterance;
    const item = element("li");
    item.dataset.id = id;
    const short = text.length > 40 ? `${text.slice(0, 40)} …` : text;
    const isSpoken = state === "spoken";
    const head = isSpoken
      ? button(text, `Play: ${short}`, () => this.on.play(utterance))
      : element("p", "", text);
    head.classList.add("text");
    const facts = [voice, isSpoken ? clock(seconds) : state];
    if (options.speed !== 1) facts.push(`${options.speed.toFixed(2)} ×`);
    facts.push(when(new Date(created)));
    const [row, actions] = [element("div", "row"), element("span", "actions")];
    if (isSpoken) {
      actions.append(button("Download", `Download: ${short}`, () => this.on.download(id)));
    }
    actions.append(this.#deleting(item, id, short));
    row.append(element("span", "hint", facts.join(" · ")), actions);
    item.append(head, ...(error ? [element("p", "fault", error)] : []), row);
    this.#mark(item);
    return item;
  }

  #mark(item) {
    if (item.dataset.id === this.chosen) item.setAttribute("aria-current", "true");
    else item.removeAttribute("aria-current");
  }

  /** Return a button that deletes at the second click. */
  #deleting(item, id, short) {
    const made = button("Delete", `Delete: ${short}`, async () => {
      if (!made.classList.contains("sure")) {
        made.classList.add("sure");
        made.textContent = "Sure?";
        made.setAttribute("aria-label", `Really delete: ${short}?`);
        setTimeout(() => calm(), CONFIRM);
        return;
      }
      try {
        await ask(`/v1/utterances/${id}`, { method: "DELETE" });
        const next = item.nextElementSibling ?? item.previousElementSibling;
        item.remove();
        (next?.querySelector("button") ?? this.search).focus();
        this.#count();
      } catch (error) {
        this.on.fault(error);
      }
    });
    const calm = () => {
      made.classList.remove("sure");
      made.textContent = "Delete";
      made.setAttribute("aria-label", `Delete: ${short}`);
    };
    return made;
  }
}

function when(date) {
  const today = new Date().toDateString() === date.toDateString();
  const format = today ? { timeStyle: "short" } : { dateStyle: "medium" };
  return new Intl.DateTimeFormat(undefined, format).format(date);
}
