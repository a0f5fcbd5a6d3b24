/** Who waits for an answer of the core: users with their payments, and operators. */

import type { Answer, ParticipantEvent, Reply } from "../protocol/participant_event.ts";

interface Waiting {
  /** Its user waits for others, not only for this node. */
  readonly isPayment: boolean;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

export class Requests {
  readonly #enqueue: (event: ParticipantEvent) => void;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  /** Why the node can't go on: nobody is answered any more. */
  #failure: Error | undefined;

  constructor(enqueue: (event: ParticipantEvent) => void) {
    this.#enqueue = enqueue;
  }

  /** Resolves to the answer, once that may be told; rejects if the node fails. */
  ask(event: (request: number) => ParticipantEvent): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.send({ isPayment: false, resolve, reject }, event);
    });
  }

  send(waiting: Waiting, event: (request: number) => ParticipantEvent): void {
    if (this.#failure) return waiting.reject(this.#failure);
    const number = ++this.#last;
    this.#waiting.set(number, waiting);
    this.#enqueue(event(number));
  }

  answer({ request, answer }: Reply): void {
    this.#waiting.get(request)?.resolve(answer);
    this.#waiting.delete(request);
  }

  /** Payments go on without those who wait for them, who are told so. */
  endPayments(): void {
    for (const [request, { isPayment, resolve }] of this.#waiting) {
      if (!isPayment) continue;
      resolve({ state: "pending" });
      this.#waiting.delete(request);
    }
  }

  fail(error: Error): void {
    this.#failure = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
