// Shows the text of an utterance, and lights up the word that is heard.

export class Words {
  #marks = []; // {span, start, end}
  #lit = null;

  constructor(box, player) {
    this.box = box;
    this.player = player;
    box.addEventListener("click", (event) => {
      const mark = this.#marks.find(({ span }) => span === event.target);
      if (mark) player.seek(mark.start);
    });
  }

  /** Show a text; `words` come in its order, each with its start and end in seconds. */
  show(text, words = []) {
    this.#marks = [];
    this.#lit = null;
    const nodes = [];
    let place = 0;
    for (const { word, start, end } of words) {
      const found = text.indexOf(word, place);
      if (found < 0) continue; // a word that is not written like this in the text
      nodes.push(text.slice(place, found));
      const span = document.createElement("span");
      span.textContent = word;
      span.title = `${start.toFixed(2)} s`;
      nodes.push(span);
      this.#marks.push({ span, start, end });
      place = found + word.length;
    }
    this.box.replaceChildren(...nodes, text.slice(place));
  }

  /** Light up the word that is heard now. */
  follow() {
    const now = this.player.position;
    const playing = this.player.isPlaying;
    const mark = playing ? this.#marks.findLast(({ start }) => start <= now) : undefined;
    const span = mark && now < mark.end ? mark.span : null;
    if (span === this.#lit) return;
    this.#lit?.classList.remove("lit");
    span?.classList.add("lit");
    this.#lit = span;
    if (span) this.#keepInView(span);
  }

  #keepInView(span) {
    const { box } = this;
    const above = span.offsetTop - box.offsetTop;
    if (above < box.scrollTop || above + span.offsetHeight > box.scrollTop + box.clientHeight) {
      box.scrollTop = above - box.clientHeight / 3;
    }
  }
}
