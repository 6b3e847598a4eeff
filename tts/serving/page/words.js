// Shows the text of an utterance, and lights up the word that is heard.

export class Words {
  #marks = []; // {span, start, end}
  #lit = null;
  #text = "";
  #place = 0; // end of the last word in the text that has a mark
  #rest = document.createTextNode(""); // the text after it

  constructor(box, player) {
    this.box = box;
    this.player = player;
    box.addEventListener("click", (event) => {
      const mark = this.#marks.find(({ span }) => span === event.target);
      if (mark) player.seek(mark.start);
    });
  }

  /** Show a text, of whose words nothing is known yet. */
  show(text) {
    this.#marks = [];
    this.#lit = null;
    this.#text = text;
    this.#place = 0;
    this.#rest = document.createTextNode(text);
    this.box.replaceChildren(this.#rest);
  }

  /** Take the next words of the text, in its order, each with its start and end in seconds. */
  add(words) {
    for (const { word, start, end } of words) {
      const found = this.#text.indexOf(word, this.#place);
      if (found < 0) continue; // a word that is not written like this in the text
      const span = document.createElement("span");
      span.textContent = word;
      span.title = `${start.toFixed(2)} s`;
      this.#rest.before(this.#text.slice(this.#place, found), span);
      this.#marks.push({ span, start, end });
      this.#place = found + word.length;
    }
    this.#rest.data = this.#text.slice(this.#place);
  }

  /** Return whether the times of words are known. */
  get hasMarks() {
    return this.#marks.length > 0;
  }

  /** Light up the word that is heard now. */
  follow() {
    const now = this.player.position;
    // the words are known a moment before their sound begins
    const isHeard = this.player.isPlaying && now > 0;
    const mark = isHeard ? this.#marks.findLast(({ start }) => start <= now) : undefined;
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
