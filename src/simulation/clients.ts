/** Users: they pay, lose their patience and their connections, and send again what they do not know of. */

import type { PaymentAnswer, PaymentRequest } from "../http/node_api.ts";
import { OutcomeUnknownError } from "../http/node_api.ts";
import type { ParticipantNode } from "../node/participant_node.ts";
import type { Card, DetailsFor } from "../protocol/details.ts";
import { creditedBy } from "../protocol/details.ts";
import type { PaymentId } from "../protocol/id.ts";
import type { Leg } from "../protocol/order.ts";
import { addressOf, cardAccount } from "../protocol/order.ts";
import { cardOf, wrongCardOf } from "./cards.ts";
import { DiskFailure } from "./disk.ts";
import type { Life, Machine } from "./machine.ts";
import { accountNames, currency, opening } from "./machine.ts";
import { Violation } from "./violation.ts";
import type { World } from "./world.ts";

/** What a user has asked for, and what was said to it. */
interface Asked {
  readonly machine: Machine;
  readonly legs: readonly Leg[];
  /** For all that are credited elsewhere. */
  readonly memo?: string;
  /** The card that pays, for its issuer. */
  readonly card?: CardGiven;
  /** The memo, or the card, is not that of the request of which it has the id, be the legs the same. */
  readonly hasOtherMemo?: boolean;
  /** Another request has its id or key. */
  isContested: boolean;
  /** Of a user that names its payments by keys; else by ids. */
  readonly key?: string;
  /** With a key it is known from the first answer on. */
  payment?: PaymentId;
  /** Definite; no answer may ever contradict it. */
  outcome?: "committed" | "aborted";
  /** At least one send came to neither an outcome nor a refusal to take it. */
  isInDoubt: boolean;
  /** Its id or key is another payment's, or will be ahead of the clock for long, or it is for nobody. */
  isGivenUp: boolean;
  /** Whether nothing speaks against it but faults. */
  readonly isInOrder: boolean;
}

interface CardGiven {
  readonly issuer: string;
  readonly card: Card;
  /** As its issuer knows it. */
  readonly isRight: boolean;
}

export interface Told {
  readonly payment: PaymentId;
  readonly memo: string;
  readonly recipients: readonly string[];
}

const waitMs: readonly [number, number] = [200, 8_000];
const retryMs: readonly [number, number] = [50, 1_500];
const rememberedMax = 60;

export class Client {
  /** Nothing more to do. */
  isDone = false;
  readonly #world: World;
  readonly #machine: Machine;
  readonly #asked: Asked[] = [];
  /** The time for new payments is over. */
  #isEnding = false;

  constructor(world: World, machine: Machine) {
    this.#world = world;
    this.#machine = machine;
  }

  /** Asks until it is told to end, and then until all its payments have come to something. */
  async run(): Promise<void> {
    const { schedule, random } = this.#world;
    while (!this.#isEnding) {
      await schedule.sleep(random.between(this.#world.chaos.thinkMs));
      if (!this.#isEnding) await this.#act();
    }
    for (const asked of this.#asked) {
      while (this.#isUnresolved(asked)) {
        await this.#send(asked);
        await schedule.sleep(random.between(retryMs));
      }
    }
    this.isDone = true;
  }

  end(): void {
    this.#isEnding = true;
  }

  /** Payments that came to be with a memo. */
  *told(): Iterable<Told> {
    for (const { machine, payment, legs, memo, outcome } of this.#asked) {
      if (!payment || !memo || outcome !== "committed") continue;
      yield { payment, memo, recipients: creditedBy(machine.name, legs) };
    }
  }

  /** Payments that have not come to anything. */
  *unresolved(): Iterable<Asked> {
    for (const asked of this.#asked) if (this.#isUnresolved(asked)) yield asked;
  }

  /** What the coordinator has decided, against what was told. */
  check(): void {
    const { committed, aborted } = this.#world.watch.views.coordinator;
    for (const { payment, outcome, isInDoubt, machine, legs, hasOtherMemo } of this.#asked) {
      if (payment === undefined) continue;
      const state = committed.has(payment) ? "committed" : aborted.has(payment) ? "aborted" : "";
      if (outcome) {
        if (outcome === state) continue;
        this.#fail("answers are kept", `told ${outcome}, and it is ${state || "unknown"}`, payment);
      } else if (!isInDoubt && state === "committed") {
        const { order } = committed.get(payment)!;
        // Which memo is committed only the recipient can tell.
        if (hasOtherMemo) continue;
        // Another's payment of the same id, or one that another request was answered for.
        if (order.originator !== machine.name || textOf(order.legs) !== textOf(legs)) continue;
        const others = this.#asked.filter((other) => other.payment === payment);
        if (others.some((other) => other.outcome || other.isInDoubt)) continue;
        this.#fail("answers are kept", "was not taken each time, and is committed", payment);
      }
    }
  }

  #isUnresolved({ outcome, isInDoubt, isGivenUp }: Asked): boolean {
    return outcome === undefined && isInDoubt && !isGivenUp;
  }

  async #act(): Promise<void> {
    const { random } = this.#world;
    const dice = random.next();
    if (dice < 0.6 || this.#asked.length === 0) return await this.#send(this.#newPayment());
    if (dice < 0.75) return await this.#send(random.pick(this.#asked));
    // At once, as one does whose connection broke.
    if (dice < 0.85) return await this.#send(this.#asked.at(-1)!);
    if (dice < 0.9) return await this.#send(this.#conflicting(random.pick(this.#asked)));
    if (dice < 0.95) {
      // Most have just been answered.
      return await this.#look(random.chance(0.7) ? this.#asked.at(-1)! : random.pick(this.#asked));
    }
    return await this.#lookAtAccounts();
  }

  #newPayment(): Asked {
    const { random } = this.#world;
    const byKey = random.chance(0.3);
    // A key whose payment was refused must keep its name, too, and nothing else keeps that.
    const { legs, card, isInOrder } = this.#legs(byKey && random.chance(0.4));
    const asked: Asked = {
      machine: this.#machine,
      legs,
      memo: !card && random.chance(0.4) ? this.#memo(legs) : undefined,
      card,
      key: byKey ? `key ${random.hex(12)}` : undefined,
      payment: byKey ? undefined : this.#machine.newPaymentId(),
      isInDoubt: false,
      isGivenUp: false,
      isContested: false,
      isInOrder,
    };
    this.#remember(asked);
    return asked;
  }

  /** The id or key of another payment, with other legs or another memo. */
  #conflicting(contested: Asked): Asked {
    const { key, payment, legs: same, memo, card: other, hasOtherMemo } = contested;
    contested.isContested = true;
    const isMemo = memo !== undefined && this.#world.random.chance(0.5);
    const { legs, card } = isMemo ? { legs: same } : this.#legs();
    const asked: Asked = {
      machine: this.#machine,
      legs,
      memo: isMemo ? this.#memo(legs) : undefined,
      card,
      hasOtherMemo: memo !== undefined || other !== undefined || hasOtherMemo,
      key,
      payment,
      isInDoubt: false,
      isGivenUp: false,
      isContested: true,
      isInOrder: false,
    };
    this.#remember(asked);
    return asked;
  }

  #memo(legs: readonly Leg[]): string | undefined {
    const recipients = creditedBy(this.#machine.name, legs);
    return recipients.length > 0 ? `memo ${this.#world.random.hex(24)}` : undefined;
  }

  #remember(asked: Asked): void {
    this.#asked.push(asked);
    if (this.#asked.length <= rememberedMax) return;
    const done = this.#asked.findIndex((one) => !this.#isUnresolved(one));
    if (done !== -1) this.#asked.splice(done, 1);
  }

  /** Of a payment from here to one or two others, not always in order. */
  #legs(isRefused = false): { legs: readonly Leg[]; card?: CardGiven; isInOrder: boolean } {
    const { random, participants, chaos, watch: { views } } = this.#world;
    const here = this.#machine.name;
    const others = participants.map(({ name }) => name).filter((name) => name !== here);
    const leg = (
      participant: string,
      amount: bigint,
      account = random.pick(accountNames),
    ): Leg => ({
      account,
      participant,
      amount,
      currency,
    });
    const most = chaos.isCalm ? 1 : Number(opening);
    const amount = BigInt(1 + random.below(random.chance(0.3) ? most : Math.min(most, 200)));
    // Who has not come yet can't be paid, however calm it is.
    const { introduced } = views.coordinator;
    const isInOrder = chaos.isCalm && participants.every(({ name }) => introduced.has(name));
    const dice = isRefused ? 1 : random.next();
    const [from, to] = [accountNames[0]!, random.pick(others)];
    if (dice < 0.7) {
      return { legs: [leg(here, -amount, from), leg(to, amount)], isInOrder };
    }
    if (dice < 0.8 && others.length > 1) {
      const second = random.pick(others.filter((name) => name !== to));
      const legs = [leg(here, -2n * amount, from), leg(to, amount), leg(second, amount)];
      return { legs, isInOrder };
    }
    if (dice < 0.85) {
      const legs = [leg(here, -amount, accountNames[0]), leg(here, amount, accountNames[1])];
      return { legs, isInOrder };
    }
    if (dice < 0.93) {
      const charged = BigInt(1 + random.below(chaos.isCalm ? 1 : 40));
      const legs = [leg(to, -charged, cardAccount), leg(here, charged)];
      // Wrong cards are few, and in a calm run none: an issuer would look at none any more.
      const isRight = chaos.isCalm || !random.chance(0.1);
      const card = isRight ? cardOf(to) : wrongCardOf(to, random);
      return { legs, card: { issuer: to, card, isRight }, isInOrder };
    }
    // Refused for a reason: no such account, another's money, an unknown participant.
    const legs = random.pick([
      [leg(here, -amount), leg(to, amount, "nothing")],
      [leg(to, -amount), leg(here, amount)],
      [leg(here, -amount), leg("nobody", amount)],
      ...chaos.isCalm ? [] : [[leg(to, -amount, cardAccount), leg(here, amount)]],
    ]);
    return { legs, isInOrder: false };
  }

  async #send(asked: Asked): Promise<void> {
    const life = this.#life();
    if (!life) return;
    const { random, trace } = traced(this.#world);
    const { key, legs, memo, card } = asked;
    const payment = key ? undefined : asked.payment;
    const recipients = memo === undefined ? [] : creditedBy(this.#machine.name, legs);
    const details: DetailsFor[] = recipients.map((recipient) => ({ recipient, details: { memo } }));
    if (card) details.push({ recipient: card.issuer, details: { card: card.card } });
    const request: PaymentRequest = {
      id: payment,
      legs,
      details: details.length > 0 ? details : undefined,
      waitMs: random.between(waitMs),
      key: key ? { key, request: `${textOf(legs)} ${memo}` } : undefined,
    };
    trace(() => `submit ${this.#machine.name} ${payment ?? key}`);
    const answer = await answered(life, life.node.submit(request));
    trace(() => `answer ${this.#machine.name} ${payment ?? key}: ${answerText(answer)}`);
    this.#take(asked, answer);
  }

  #take(asked: Asked, answer: PaymentAnswer | undefined): void {
    if (!answer) {
      asked.isInDoubt = true;
      return;
    }
    const isOther = answer.state === "rejected" && answer.code === "key_reused";
    const id = "payment" in answer ? answer.payment.id : answer.id;
    if (asked.key && !isOther) {
      const isLasting = answer.state !== "rejected";
      if (asked.payment && asked.payment !== id && isLasting) {
        this.#fail("an id keeps its key", `${asked.key} named ${asked.payment} before`, id);
      }
      if (isLasting) asked.payment = id;
    }
    switch (answer.state) {
      case "committed":
      case "aborted":
        if (answer.state === "committed" && asked.card?.isRight === false && !asked.isContested) {
          this.#fail("only the owner debits", "is paid by a card that is none", id);
        }
        this.#world.watch.told(asked.machine, id, answer.state);
        if (answer.state === "aborted" && asked.isInOrder) {
          const { code } = answer.payment;
          this.#fail("AC4 commit when nothing failed", `aborted for ${code}`, id);
        }
        return this.#resolve(asked, answer.state, id);
      case "pending":
        asked.isInDoubt = true;
        return;
      case "rejected":
        if (/_reused$/.test(answer.code) && !asked.isContested) {
          this.#fail("answers are kept", `told ${answer.code}, and nobody else has used it`, id);
        }
        // Nothing was recorded for this request: it can be taken later, if its user tries again.
        asked.isGivenUp = answer.code === "id_reused" || answer.code === "key_reused" ||
          (this.#isEnding && (answer.code === "id_ahead" || answer.code === "participant_unknown"));
        return;
      default:
        answer satisfies never;
    }
  }

  #resolve(asked: Asked, outcome: NonNullable<Asked["outcome"]>, payment: PaymentId): void {
    if (asked.outcome && asked.outcome !== outcome) {
      this.#fail("answers are kept", `told ${asked.outcome} before, now ${outcome}`, payment);
    }
    asked.outcome = outcome;
  }

  async #look({ payment, outcome, legs }: Asked): Promise<void> {
    const life = this.#life();
    if (!life || payment === undefined) return;
    const { name } = this.#machine;
    const hasLeg = legs.some(({ participant }) => participant === name);
    const view = await answered(life, life.node.payment(payment));
    if (view) return this.#world.watch.told(this.#machine, payment, view.state);
    // Where it holds nothing a node need not remember a payment; and one that is over says nothing more.
    if (outcome !== "committed" || !hasLeg || !life.isServing) return;
    this.#fail("answers are kept", "told committed, and then not known", payment);
  }

  async #lookAtAccounts(): Promise<void> {
    const life = this.#life();
    if (!life) return;
    const shown = this.#world.watch.asked(this.#machine);
    const accounts = await answered(life, life.node.accounts());
    if (accounts) shown(accounts);
  }

  #life(): (Life & { node: ParticipantNode }) | undefined {
    const { life, isPutBack } = this.#machine;
    return life?.isServing && !isPutBack ? life as Life & { node: ParticipantNode } : undefined;
  }

  #fail(rule: Violation["rule"], message: string, payment: PaymentId): void {
    const what = `${payment}, ordered at ${this.#machine.name}: ${message}`;
    this.#world.fail(new Violation(rule, what, payment));
  }
}

/** What a node answers; nothing if it crashes or fails before. */
async function answered<T>(life: Life, answer: Promise<T>): Promise<T | undefined> {
  try {
    return await Promise.race([answer, life.over]);
  } catch (error) {
    if (error instanceof OutcomeUnknownError || error instanceof DiskFailure) return undefined;
    throw error;
  }
}

function textOf(legs: readonly Leg[]): string {
  return legs.map((leg) => `${addressOf(leg)} ${leg.amount}`).join(", ");
}

function traced(world: World) {
  return { random: world.random, trace: (line: () => string) => world.trace(line) };
}

function answerText(answer: PaymentAnswer | undefined): string {
  if (!answer) return "the connection broke";
  if (answer.state === "rejected") return `rejected for ${answer.code}`;
  if (answer.state === "pending") return "pending";
  const { state, payment: { id, code } } = answer;
  return [state, id, code].filter(Boolean).join(" ");
}
