// Plays samples while they still arrive, through Web Audio.
//
// Raw samples can be played in every browser from the first piece on, which holds neither for MP3 in
// Firefox nor for WAV in a MediaSource; worklets would need HTTPS on other hosts than this machine.

/** Seconds that are handed to the sound card ahead of time, and those in one piece. */
const AHEAD = 8;
const PIECE = 1;
/** Seconds from now at which a first piece can still be begun in time. */
const LEAD = 0.03;

export class Player extends EventTarget {
  #context = null;
  #timer = 0;
  #rest = 0; // position in seconds while nothing plays
  #odd = new Uint8Array(0); // half a sample, whose other half comes with the next bytes
  #next = 0; // first sample that was not handed on
  #when = 0; // when it is to sound, on the clock of the context
  #pieces = []; // what was handed on: {source, when, from, seconds}
  rate = 22050;
  samples = new Int16Array(0);
  length = 0; // samples that have arrived
  isComplete = false;
  isPlaying = false;

  /** Begin a new sound. Must be called while a click or a key is handled, or nothing may sound. */
  open(rate) {
    this.pause();
    this.rate = rate;
    this.samples = new Int16Array(rate * 10);
    this.length = this.#rest = this.#next = 0;
    this.#odd = new Uint8Array(0);
    this.isComplete = false;
    this.dispatchEvent(new Event("open"));
    if (this.#context?.sampleRate !== rate) {
      this.#context?.close();
      this.#context = new AudioContext({ sampleRate: rate });
    }
    this.play();
  }

  /** Take bytes of 16-bit samples (little-endian, one channel). */
  feed(bytes) {
    const data = new Uint8Array(this.#odd.length + bytes.length);
    data.set(this.#odd);
    data.set(bytes, this.#odd.length);
    const n = data.length >> 1;
    this.#odd = data.slice(2 * n);
    if (this.length + n > this.samples.length) {
      const larger = new Int16Array(2 * (this.length + n));
      larger.set(this.samples.subarray(0, this.length));
      this.samples = larger;
    }
    const view = new DataView(data.buffer);
    for (let i = 0; i < n; i++) this.samples[this.length + i] = view.getInt16(2 * i, true);
    this.length += n;
    this.#pump();
  }

  /** Say that no more samples come. */
  finish() {
    this.isComplete = true;
    this.#pump();
    this.#changed();
  }

  play() {
    if (this.isPlaying || this.#context === null) return;
    if (this.isComplete && this.#rest >= this.duration) this.#rest = 0;
    this.#next = Math.round(this.#rest * this.rate);
    this.#when = 0;
    this.isPlaying = true;
    this.#context.resume();
    this.#timer = setInterval(() => this.#pump(), 100);
    this.#pump();
    this.#changed();
  }

  pause() {
    if (!this.isPlaying) return;
    this.#rest = this.position;
    this.isPlaying = false;
    clearInterval(this.#timer);
    for (const { source } of this.#pieces) source.stop();
    this.#pieces = [];
    this.#context.suspend();
    this.#changed();
  }

  /** Go on at another place, in seconds. */
  seek(seconds) {
    const wasPlaying = this.isPlaying;
    this.pause();
    this.#rest = Math.min(Math.max(seconds, 0), this.duration);
    if (wasPlaying) this.play();
    else this.#changed();
  }

  get duration() {
    return this.length / this.rate;
  }

  /** Return the seconds that have been heard. */
  get position() {
    if (!this.isPlaying || this.#pieces.length === 0) return this.#rest;
    const now = this.#context.currentTime - (this.#context.outputLatency || 0);
    const piece = this.#pieces.findLast(({ when }) => when <= now) ?? this.#pieces[0];
    return piece.from + Math.min(Math.max(now - piece.when, 0), piece.seconds);
  }

  /** Hand on what is to sound soon, and notice the end. */
  #pump() {
    if (!this.isPlaying) return;
    const now = this.#context.currentTime;
    while (this.#next < this.length && this.#when < now + AHEAD) {
      // sound that came too late begins now; what sounds already is followed without a gap
      if (this.#when < now + LEAD / 2) this.#when = now + LEAD;
      this.#hand(Math.min(PIECE * this.rate, this.length - this.#next));
    }
    while (this.#pieces.length > 1 && this.#pieces[1].when < now - 1) this.#pieces.shift();
    const last = this.#pieces.at(-1);
    if (this.isComplete && this.#next >= this.length && this.position >= this.duration - 1e-6) {
      this.pause();
      this.#rest = this.duration;
      this.#changed();
    } else if (last) this.#rest = this.position;
  }

  #hand(n) {
    const buffer = this.#context.createBuffer(1, n, this.rate);
    const channel = buffer.getChannelData(0);
    for (let i = 0; i < n; i++) channel[i] = this.samples[this.#next + i] / 32768;
    const source = new AudioBufferSourceNode(this.#context, { buffer });
    source.connect(this.#context.destination);
    source.start(this.#when);
    const [when, from, seconds] = [this.#when, this.#next / this.rate, n / this.rate];
    this.#pieces.push({ source, when, from, seconds });
    this.#next += n;
    this.#when += seconds;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
