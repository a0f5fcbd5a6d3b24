/** One call at a time, of all that was asked for while the one before was under way. */

import { setImmediate } from "node:timers";

interface Request<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

export class Batches<Item, Answer> {
  readonly #call: (items: readonly Item[]) => Promise<readonly Answer[]>;
  #queue: Request<Item, Answer>[] = [];
  #isBusy = false;

  /** @param call gives the answers in the order of the items */
  constructor(call: (items: readonly Item[]) => Promise<readonly Answer[]>) {
    this.#call = call;
  }

  add(item: Item): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#queue.push({ item, resolve, reject });
    if (!this.#isBusy) {
      this.#isBusy = true;
      // Whatever else this turn asks for goes along.
      setImmediate(() => this.#run());
    }
    return promise;
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      try {
        const answers = await this.#call(batch.map(({ item }) => item));
        for (let i = 0; i < batch.length; i++) batch[i]!.resolve(answers[i]!);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isBusy = false;
  }
}
