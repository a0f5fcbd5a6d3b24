/** Ctrl-C, or whatever else asks the program to end, while an answer is waited for. */

const signals = ["SIGINT", "SIGTERM"] as const;

/** Until it is disposed of, these signals end the wait and not the program, which then says what it knows. */
export class Interruption implements Disposable {
  readonly #aborter = new AbortController();
  readonly #interrupt = () => this.#aborter.abort(new Error("interrupted"));

  constructor() {
    for (const signal of signals) Deno.addSignalListener(signal, this.#interrupt);
  }

  get signal(): AbortSignal {
    return this.#aborter.signal;
  }

  [Symbol.dispose](): void {
    for (const signal of signals) Deno.removeSignalListener(signal, this.#interrupt);
  }
}
