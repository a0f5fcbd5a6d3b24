/** Who waits for an answer of the core: users with their payments, and operators. */

import { InvariantError } from "../errors.ts";
import type { Answer, ParticipantEvent, Reply } from "../protocol/participant_event.ts";

type AnswerIn<S extends Answer["state"]> = Extract<Answer, { readonly state: S }>;
type Unnumbered<E> = E extends { readonly request: number } ? Omit<E, "request"> : never;

interface Waiting {
  /** Its user waits for others, not only for this node. */
  readonly isPayment: boolean;
  /** Until when, where somebody waits for no longer. */
  readonly deadlineMs?: number;
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

  /**
   * Resolves to the answer, once that may be told; rejects if the node fails.
   *
   * @param states in which the core may answer
   * @param deadlineMs until when it is waited for: then it rejects, whatever comes of the event
   */
  ask<S extends Answer["state"]>(
    states: S | readonly S[],
    event: Unnumbered<ParticipantEvent>,
    deadlineMs?: number,
  ): Promise<AnswerIn<S>> {
    return new Promise((resolve, reject) => {
      const answered = (answer: Answer) => {
        if (isIn(answer, states)) return resolve(answer);
        // It runs in a turn of the loop, which no answer to one user may end.
        reject(new InvariantError(`expected an answer of ${states}, but it was ${answer.state}`));
      };
      this.send({ isPayment: false, deadlineMs, resolve: answered, reject }, event);
    });
  }

  send(waiting: Waiting, event: Unnumbered<ParticipantEvent>): void {
    if (this.#failure) return waiting.reject(this.#failure);
    const request = ++this.#last;
    this.#waiting.set(request, waiting);
    this.#enqueue({ ...event, request });
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

  /** While the disk does not answer, the core can't tell anybody that time is up. */
  endLate(nowMs: number): void {
    for (const [request, { isPayment, deadlineMs = Infinity, resolve, reject }] of this.#waiting) {
      if (deadlineMs > nowMs) continue;
      this.#waiting.delete(request);
      if (isPayment) resolve({ state: "pending" });
      else reject(new Error("the disk has not answered in time"));
    }
  }

  fail(error: Error): void {
    this.#failure = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

function isIn<S extends Answer["state"]>(
  answer: Answer,
  states: S | readonly S[],
): answer is AnswerIn<S> {
  return [states].flat().some((state) => state === answer.state);
}
