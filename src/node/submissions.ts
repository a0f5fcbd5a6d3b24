/** Users' payments: what a request says becomes an order, and what became of that the answer to its user. */

import { encodeOrder } from "../codec/order.ts";
import { messageOf } from "../errors.ts";
import type { PaymentAnswer, PaymentRequest } from "../http/node_api.ts";
import { OutcomeUnknownError } from "../http/node_api.ts";
import { diskWaitMsMax, introductionMsMax, queueEventsMax, tickIntervalMs } from "../limits.ts";
import type { DetailsFor } from "../protocol/details.ts";
import type { PaymentId } from "../protocol/id.ts";
import type { Introduction } from "../protocol/message.ts";
import type { Order } from "../protocol/order.ts";
import type { Sent } from "../protocol/own_orders.ts";
import type { Participant } from "../protocol/participant.ts";
import type { Answer, ClaimAnswer, OutcomeAnswer } from "../protocol/participant_event.ts";
import { sha256 } from "../sha256.ts";
import type { Meter } from "./meter.ts";
import type { Observer } from "./observer.ts";
import type { Requests } from "./requests.ts";
import { sealOrder } from "./sealing.ts";
import type { Surroundings } from "./surroundings.ts";
import { answeredView } from "./view.ts";

export interface SubmissionsOptions {
  /** Of this node. */
  readonly name: string;
  readonly surroundings: Pick<Surroundings, "time" | "newPaymentId" | "sealing">;
  readonly participant: Pick<Participant, "isLinked" | "room">;
  readonly requests: Requests;
  /** How much waits in it, and in which turn it is. */
  readonly loop: () => { readonly queued: number; readonly turns: number };
  readonly introductionOf: (name: string) => Introduction | undefined;
  readonly observer: Pick<Observer, "ordered">;
  readonly meter: Pick<Meter, "answer">;
}

type Claim = Pick<ClaimAnswer, "payment" | "number">;
type Unsent = Extract<PaymentAnswer, { readonly state: "rejected" }>;

export class Submissions {
  readonly #options: SubmissionsOptions;
  /** How many more payments are taken on before the loop's next turn. */
  #room = 0;
  #roomOfTurn = -1;

  constructor(options: SubmissionsOptions) {
    this.#options = options;
  }

  get #nowMs(): number {
    return this.#options.surroundings.time.monotonicMs();
  }

  /**
   * As `ParticipantApi.submit` in `http/node_api.ts`; the time to wait counts from now.
   *
   * Neither this nor `#pay` is `async`: two fifths of what a payment under way kept alive was what async
   * functions keep until they go on.
   */
  submit(request: PaymentRequest): Promise<PaymentAnswer> {
    const startMs = this.#nowMs;
    const { id = this.#options.surroundings.newPaymentId(), key, details, legs } = request;
    // What may be known already has to be asked for, however busy the node is.
    if (!request.id && !key && !this.#hasRoom()) {
      return Promise.resolve({ state: "rejected", id, code: "overloaded" });
    }
    if (key || details) return this.#prepareAndPay(request, id, startMs);
    try {
      const order = encodeOrder({ payment: id, originator: this.#options.name, legs });
      return this.#pay({ order }, request, startMs);
    } catch (error) {
      return Promise.reject(new OutcomeUnknownError(id, messageOf(error)));
    }
  }

  /** Orders a payment by a key, or one that tells something. */
  async #prepareAndPay(
    request: PaymentRequest,
    newId: PaymentId,
    startMs: number,
  ): Promise<PaymentAnswer> {
    // Until its key is claimed nobody can tell by which id a payment is known: who paid by another than the
    // one that is told would pay again.
    let known = request.key ? request.id : newId;
    let claim: Claim | undefined;
    let sent;
    try {
      if (request.key) {
        const claimed = await this.#claim(request, request.key, newId, startMs);
        if ("state" in claimed) return claimed;
        claim = claimed;
      }
      known = claim?.payment ?? newId;
      sent = await this.#toSend(request, known);
    } catch (error) {
      throw new OutcomeUnknownError(known, messageOf(error));
    }
    return "state" in sent ? sent : await this.#pay(sent, request, startMs, claim);
  }

  /** Whether one more payment is taken on; the core does not see those that wait for its next turn. */
  #hasRoom(): boolean {
    const { queued, turns } = this.#options.loop();
    // Without a link the answer is another one.
    if (!this.#options.participant.isLinked) return queued < queueEventsMax;
    if (this.#roomOfTurn !== turns) {
      this.#roomOfTurn = turns;
      this.#room = this.#options.participant.room(this.#nowMs);
    }
    return queued < queueEventsMax && this.#room-- > 0;
  }

  /** What a key stands for, or why it stands for nothing. */
  async #claim(
    { details, waitMs }: PaymentRequest,
    { key, request: text }: NonNullable<PaymentRequest["key"]>,
    id: PaymentId,
    startMs: number,
  ): Promise<Claim | Unsent> {
    // In the clear, a hash of what is to be told would let anyone who reads the log try what it is.
    const content = details
      ? this.#options.surroundings.sealing.digest(text)
      : sha256(text).toHex();
    const claim = await this.#options.requests.ask(["claimed", "rejected"], {
      type: "claim",
      key: sha256(key).toHex().slice(0, 32),
      content,
      payment: id,
    }, startMs + Math.max(waitMs, diskWaitMsMax));
    if (claim.state === "rejected") return { state: "rejected", id, code: claim.code };
    const { payment, isSameContent, number } = claim;
    if (!isSameContent) return { state: "rejected", id: payment, code: "key_reused" };
    return { payment, number };
  }

  /** What a payment is sent as; or why it is not. */
  async #toSend(request: PaymentRequest, id: PaymentId): Promise<Sent | Unsent> {
    const unsealed = { payment: id, originator: this.#options.name, legs: request.legs };
    if (!request.details) return { order: encodeOrder(unsealed) };
    const sealed = await this.#seal(unsealed, request.details);
    if (sealed) return sealed;
    const { isLinked } = this.#options.participant;
    const code = isLinked ? "participant_unknown" : "coordinator_unreachable";
    return { state: "rejected", id, code };
  }

  /**
   * Sends an order and waits for what becomes of it.
   *
   * @param claim where it has a key
   */
  #pay(
    { order, details }: Sent,
    { waitMs }: PaymentRequest,
    startMs: number,
    claim?: Claim,
  ): Promise<PaymentAnswer> {
    this.#options.observer.ordered(order);
    const deadlineMs = startMs + waitMs;
    const { payment } = order;
    return new Promise((resolve, reject) => {
      const failed = (error: unknown) => {
        reject(new OutcomeUnknownError(payment, messageOf(error)));
      };
      // It runs in a turn of the loop, which no answer to one user may end.
      const answered = (answer: Answer) => {
        try {
          // Of what was not taken on it would only tell how fast this node says no.
          if (answer.state !== "rejected") this.#options.meter.answer(this.#nowMs - startMs);
          resolve(answerTo(payment, answer, claim));
        } catch (error) {
          failed(error);
        }
      };
      this.#options.requests.send(
        { isPayment: true, deadlineMs, resolve: answered, reject: failed },
        { type: "submit", order, details, deadlineMs },
      );
    });
  }

  /** Nothing where one who is to be told something is not known here. */
  async #seal(
    order: Omit<Order, "bytes" | "hash">,
    details: readonly DetailsFor[],
  ): Promise<Sent | undefined> {
    const { sealing } = this.#options.surroundings;
    const deadlineMs = this.#nowMs + introductionMsMax;
    for (;;) {
      const known = new Map<string, Introduction>();
      for (const { recipient } of details) {
        const introduction = this.#options.introductionOf(recipient);
        if (introduction) known.set(recipient, introduction);
      }
      if (known.size === details.length) {
        return await sealOrder(sealing, (name) => known.get(name)!, order, details);
      }
      // The coordinator knows a new participant a moment before it has introduced it here.
      if (!this.#options.participant.isLinked || this.#nowMs >= deadlineMs) return undefined;
      await this.#options.surroundings.time.sleep(tickIntervalMs);
    }
  }
}

function answerTo(id: PaymentId, answer: Answer, claim: Claim | undefined): PaymentAnswer {
  switch (answer.state) {
    case "committed":
    case "aborted": {
      const replayed = claim ? wasKnown(answer, claim) : answer.replayed;
      return { state: answer.state, replayed, payment: answeredView(answer) };
    }
    case "pending":
      return { state: "pending", id };
    case "rejected":
      return { state: "rejected", id, code: answer.code };
    default:
      throw new Error(`an order was answered ${answer.state}`);
  }
}

/**
 * Whether a payment was over before its key was first sent. One by that key can't be: the key is durable
 * before the order leaves. So each key has the same answer however often it is sent.
 */
function wasKnown({ number }: OutcomeAnswer, claim: Claim): boolean {
  return number !== undefined && number <= claim.number;
}
