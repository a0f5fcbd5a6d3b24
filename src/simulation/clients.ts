/** Users: they pay, lose their patience and their connections, and send again what they do not know of. */

import type { PaymentAnswer, PaymentRequest } from "../http/node_api.ts";
import { OutcomeUnknownError } from "../http/node_api.ts";
import type { ParticipantNode } from "../node/participant_node.ts";
import type { PaymentId } from "../protocol/id.ts";
import type { Leg } from "../protocol/order.ts";
import { DiskFailure } from "./disk.ts";
import type { Life, Machine } from "./machine.ts";
import { accountNames, currency, opening } from "./machine.ts";
import { Violation } from "./violation.ts";
import type { World } from "./world.ts";

/** What a user has asked for, and what was said to it. */
interface Asked {
  readonly machine: Machine;
  readonly legs: readonly Leg[];
  /** Of a user that names its payments by keys; else by ids. */
  readonly key?: string;
  /** With a key it is known from the first answer on. */
  payment?: PaymentId;
  /** Definite; no answer may ever contradict it. */
  outcome?: "committed" | "aborted";
  /** At least one send came to neither an outcome nor a refusal to take it. */
  isInDoubt: boolean;
  /** Its id or key is another payment's, or will be ahead of the clock for long. */
  isGivenUp: boolean;
  /** Whether nothing speaks against it but faults. */
  readonly isInOrder: boolean;
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

  /** Payments that have not come to anything. */
  *unresolved(): Iterable<Asked> {
    for (const asked of this.#asked) if (this.#isUnresolved(asked)) yield asked;
  }

  /** What the coordinator has decided, against what was told. */
  check(): void {
    const { committed, aborted } = this.#world.watch.views.coordinator;
    for (const { payment, outcome, isInDoubt, machine, legs } of this.#asked) {
      if (payment === undefined) continue;
      const state = committed.has(payment) ? "committed" : aborted.has(payment) ? "aborted" : "";
      if (outcome) {
        if (outcome === state) continue;
        this.#fail("answers are kept", `told ${outcome}, and it is ${state || "unknown"}`, payment);
      } else if (!isInDoubt && state === "committed") {
        const { order } = committed.get(payment)!;
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
    if (dice < 0.95) return await this.#look(random.pick(this.#asked));
    return await this.#lookAtAccounts();
  }

  #newPayment(): Asked {
    const { random } = this.#world;
    const byKey = random.chance(0.3);
    // A key whose payment was refused must keep its name, too, and nothing else keeps that.
    const { legs, isInOrder } = this.#legs(byKey && random.chance(0.4));
    const asked: Asked = {
      machine: this.#machine,
      legs,
      key: byKey ? `key ${random.hex(12)}` : undefined,
      payment: byKey ? undefined : this.#machine.newPaymentId(),
      isInDoubt: false,
      isGivenUp: false,
      isInOrder,
    };
    this.#remember(asked);
    return asked;
  }

  /** The id or key of another payment, with other legs. */
  #conflicting({ key, payment }: Asked): Asked {
    const asked: Asked = {
      machine: this.#machine,
      legs: this.#legs().legs,
      key,
      payment,
      isInDoubt: false,
      isGivenUp: false,
      isInOrder: false,
    };
    this.#remember(asked);
    return asked;
  }

  #remember(asked: Asked): void {
    this.#asked.push(asked);
    if (this.#asked.length <= rememberedMax) return;
    const done = this.#asked.findIndex((one) => !this.#isUnresolved(one));
    if (done !== -1) this.#asked.splice(done, 1);
  }

  /** Of a payment from here to one or two others, not always in order. */
  #legs(isRefused = false): { legs: readonly Leg[]; isInOrder: boolean } {
    const { random, participants, chaos } = this.#world;
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
    const dice = isRefused ? 1 : random.next();
    const [from, to] = [accountNames[0]!, random.pick(others)];
    if (dice < 0.7) {
      return { legs: [leg(here, -amount, from), leg(to, amount)], isInOrder: chaos.isCalm };
    }
    if (dice < 0.8 && others.length > 1) {
      const second = random.pick(others.filter((name) => name !== to));
      const legs = [leg(here, -2n * amount, from), leg(to, amount), leg(second, amount)];
      return { legs, isInOrder: chaos.isCalm };
    }
    if (dice < 0.85) {
      const legs = [leg(here, -amount, accountNames[0]), leg(here, amount, accountNames[1])];
      return { legs, isInOrder: chaos.isCalm };
    }
    // Refused for a reason: no such account, another's money, an unknown participant.
    const legs = random.pick([
      [leg(here, -amount), leg(to, amount, "nothing")],
      [leg(to, -amount), leg(here, amount)],
      [leg(here, -amount), leg("nobody", amount)],
    ]);
    return { legs, isInOrder: false };
  }

  async #send(asked: Asked): Promise<void> {
    const life = this.#life();
    if (!life) return;
    const { random, trace } = traced(this.#world);
    const { key, legs } = asked;
    const payment = key ? undefined : asked.payment;
    const request: PaymentRequest = {
      id: payment,
      legs,
      waitMs: random.between(waitMs),
      key: key ? { key, request: textOf(legs) } : undefined,
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
        // Nothing was recorded for this request: it can be taken later, if its user tries again.
        asked.isGivenUp = answer.code === "id_reused" || answer.code === "key_reused" ||
          (answer.code === "id_ahead" && this.#isEnding);
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

  async #look({ payment }: Asked): Promise<void> {
    const life = this.#life();
    if (!life || payment === undefined) return;
    const view = await answered(life, life.node.payment(payment));
    if (view) this.#world.watch.told(this.#machine, payment, view.state);
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
  return legs.map((leg) => `${leg.account}@${leg.participant} ${leg.amount}`).join(", ");
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
