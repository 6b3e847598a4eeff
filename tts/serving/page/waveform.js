// Draws the waveform of a player, which is a slider for its position as well.

/** Samples of which one peak is kept. */
const BLOCK = 256;
const BAR = 3;
const GAP = 1;

export class Waveform {
  #peaks = [];

  constructor(canvas, player) {
    this.canvas = canvas;
    this.player = player;
    player.addEventListener("open", () => (this.#peaks = []));
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.#seek(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) this.#seek(event);
    });
    canvas.addEventListener("keydown", (event) => this.#step(event));
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  draw() {
    const { canvas, player } = this;
    const ratio = devicePixelRatio;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (width === 0) return;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const style = getComputedStyle(canvas);
    const [heard, waiting] = [style.color, style.getPropertyValue("--wave")];
    const peaks = this.#updated();
    const nBars = Math.floor(width / (BAR + GAP));
    const heardBars = (nBars * player.position) / (player.duration || 1);
    const loudest = peaks.reduce((most, peak) => Math.max(most, peak), 2000);
    for (let bar = 0; bar < nBars; bar++) {
      const [from, to] = [bar, bar + 1].map((at) => Math.floor((at * peaks.length) / nBars));
      let peak = 0;
      for (let i = from; i < Math.max(to, from + 1); i++) peak = Math.max(peak, peaks[i] ?? 0);
      const size = Math.max(2, (peak / loudest) * height);
      pen.fillStyle = bar < heardBars ? heard : waiting;
      pen.fillRect(bar * (BAR + GAP), (height - size) / 2, BAR, size);
    }
    this.#tell(Math.round(player.position), Math.round(player.duration));
  }

  /** Tell screen readers where the sound is, once a second at most. */
  #tell(now, end) {
    const text = `${now} of ${end} seconds`;
    if (this.canvas.getAttribute("aria-valuetext") === text) return;
    this.canvas.setAttribute("aria-valuemax", end);
    this.canvas.setAttribute("aria-valuenow", now);
    this.canvas.setAttribute("aria-valuetext", text);
  }

  /** Return the peaks, with those of samples that have arrived since the last time. */
  #updated() {
    const { samples, length } = this.player;
    while ((this.#peaks.length + 1) * BLOCK <= length) {
      const start = this.#peaks.length * BLOCK;
      let peak = 0;
      for (let i = start; i < start + BLOCK; i++) peak = Math.max(peak, Math.abs(samples[i]));
      this.#peaks.push(peak);
    }
    return this.#peaks;
  }

  #seek(event) {
    const box = this.canvas.getBoundingClientRect();
    this.player.seek(((event.clientX - box.left) / box.width) * this.player.duration);
  }

  #step(event) {
    const { position, duration } = this.player;
    const places = {
      ArrowLeft: position - 1,
      ArrowDown: position - 1,
      ArrowRight: position + 1,
      ArrowUp: position + 1,
      PageDown: position - 5,
      PageUp: position + 5,
      Home: 0,
      End: duration,
    };
    if (!(event.key in places)) return;
    event.preventDefault();
    this.player.seek(places[event.key]);
  }
}
