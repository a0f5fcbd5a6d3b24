/** Who waits on a connection where answers come in the order of the requests. */

interface Waiter<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

export class Waiting<Answer> {
  readonly #waiters: Waiter<Answer>[] = [];
  #ended: Error | undefined;

  /** For the answer to the request that is sent now. */
  join(): Promise<Answer> {
    const ended = this.#ended;
    if (ended) return Promise.reject(ended);
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /**
   * Gives answers to those who have waited longest.
   *
   * @throws {Error} where there are more answers than requests
   */
  answer(answers: readonly (Answer | Error)[]): void {
    const served = this.#waiters.splice(0, answers.length);
    if (served.length < answers.length) {
      throw new Error(`${answers.length} answers came to ${served.length} requests`);
    }
    for (let i = 0; i < answers.length; i++) {
      const answer = answers[i]!;
      if (answer instanceof Error) served[i]!.reject(answer);
      else served[i]!.resolve(answer);
    }
  }

  /** No answer comes any more. */
  end(error: Error): void {
    this.#ended = error;
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }
}
