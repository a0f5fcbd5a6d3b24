/** How long what stands first in a queue has waited, to within a turn, for one look at the clock a turn. */
export class Arrivals {
  readonly #nowMs: () => number;
  #pushed = 0;
  #taken = 0;
  #isMarked = false;
  /** When the first item after each turn's begin came, the oldest that may still be queued first. */
  readonly #marks: { readonly item: number; readonly ms: number }[] = [];

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  push(): void {
    if (!this.#isMarked) {
      this.#marks.push({ item: this.#pushed, ms: this.#nowMs() });
      this.#isMarked = true;
    }
    this.#pushed++;
  }

  /** A turn begins. Returns how long the first item has waited for it; 0 if there is none. */
  begin(nowMs: number): number {
    this.#isMarked = false;
    const marks = this.#marks;
    while (marks.length > 1 && marks[1]!.item <= this.#taken) marks.shift();
    return this.#taken === this.#pushed ? 0 : nowMs - marks[0]!.ms;
  }

  take(count: number): void {
    this.#taken += count;
  }
}
