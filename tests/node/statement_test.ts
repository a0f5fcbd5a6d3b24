/** Statements, read from logs that chance has made, held against the books that these logs make. */

import { assert, assertEquals } from "@std/assert";
import { encodeOrder } from "../../src/codec/order.ts";
import type { StatementLine, StatementPart } from "../../src/http/node_api.ts";
import { Log } from "../../src/log/log.ts";
import { MemoryStorage } from "../../src/log/storage.ts";
import type { Place } from "../../src/node/loop.ts";
import { Statement } from "../../src/node/statement.ts";
import type { PaymentId, TransactionId } from "../../src/protocol/id.ts";
import type { Order } from "../../src/protocol/order.ts";
import { resolvedLegsOf } from "../../src/protocol/order.ts";
import { ParticipantState } from "../../src/protocol/participant_state.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import { Random } from "../../src/simulation/random.ts";
import { paymentId, stateOf } from "../log/records.ts";
import { orderOf } from "../protocol/example.ts";

const node = "bob";
const account = "main";
const secondMs = 1_000;
const begunMs = Date.UTC(2026, 4, 1);
const decidedMs = Date.UTC(2026, 3, 30);

interface Attempt {
  readonly transaction: TransactionId;
  readonly payment: PaymentId;
  readonly order: Order;
  readonly card?: string;
}

/** What moved the account, by the books: where they were changed. */
interface Moved {
  readonly number: number;
  readonly at: number;
  readonly type: "opened" | "payment";
  readonly payment?: PaymentId;
  readonly isForced: boolean;
  readonly amount: bigint;
  readonly balance: bigint;
}

/** A log of bob's, and his books at each of its places. */
class History {
  readonly moved: Moved[] = [];
  readonly places: (Place & { readonly balance: bigint })[] = [];
  /** Of each entry, from 1 on. */
  readonly times: number[] = [0];
  readonly #random: Random;
  readonly #state = new ParticipantState(node, "coordinator");
  readonly #prepared = new Set<Attempt>();
  readonly #forced = new Map<Attempt, boolean>();
  /** Of which an attempt was given up. */
  readonly #again: { readonly order: Order; readonly card?: string }[] = [];
  #payments = 0;
  #attempts = 0;

  private constructor(readonly log: Log, seed: number) {
    this.#random = new Random(seed);
  }

  static async make(seed: number, entries: number): Promise<History> {
    const log = await Log.open(new MemoryStorage());
    await log.replay(() => {});
    const history = new History(log, seed);
    for (let entry = 0; entry < entries; entry++) await history.#append();
    return history;
  }

  async #append(): Promise<void> {
    const number = this.log.head.number + 1;
    const last = this.times.at(-1)! || begunMs;
    // Now and then the node was stopped, and its clock set back.
    const step = this.#random.chance(0.1) ? -20 : this.#random.below(4);
    const atMs = last + step * secondMs;
    this.times.push(atMs);
    if (this.#random.chance(0.05)) return await this.#checkpoint(atMs);
    const records: LogRecord[] = [];
    const clock = new Map([[node, number]]);
    for (let left = this.#random.between([1, 6]); left > 0; left--) {
      this.#mark(number, records.length);
      for (const record of this.#next()) {
        const before = this.#balance;
        this.#state.apply(record, { number, clock, atMs });
        records.push(record);
        this.#note(record, number, records.length, before);
      }
    }
    this.#mark(number, records.length);
    await this.log.append({ atMs, clock, witnesses: new Map(), records });
  }

  /** What is settled leaves memory. */
  async #checkpoint(atMs: number): Promise<void> {
    const begun = this.log.beginCheckpoint(stateOf([]));
    await this.log.writeCheckpoint(begun);
    const clock = new Map([[node, this.log.head.number + 1]]);
    await this.log.append({ atMs, clock, witnesses: new Map(), records: [begun.record] });
    await this.log.finishCheckpoint(begun);
  }

  get #balance(): bigint | undefined {
    return this.#state.ledger.account(account)?.posted;
  }

  #mark(number: number, at: number): void {
    const balance = this.#balance;
    if (balance !== undefined) this.places.push({ number, at, balance });
  }

  #note(record: LogRecord, number: number, at: number, before: bigint | undefined): void {
    const balance = this.#balance;
    if (balance === before || balance === undefined) return;
    const payment = record.type === "posted"
      ? record.payment
      : record.type === "forced"
      ? record.order.payment
      : undefined;
    const type = record.type === "opened" ? record.type : "payment";
    const amount = balance - (before ?? 0n);
    const isForced = record.type === "forced";
    this.moved.push({ number, at, type, payment, isForced, amount, balance });
  }

  #next(): LogRecord[] {
    const random = this.#random;
    if (!this.#state.ledger.account("other")) {
      return [{ type: "opened", account: "other", currency: "USD", opening: 50_000n }];
    }
    if (this.#balance === undefined) {
      if (random.chance(0.7)) return [];
      return [{ type: "opened", account, currency: "USD", opening: BigInt(random.below(5_000)) }];
    }
    const open = [...this.#prepared];
    const forced = [...this.#forced];
    const roll = random.next();
    if (roll < 0.4 || open.length === 0) return this.#prepare();
    if (roll < 0.5 && forced.length > 0) return this.#settleForced(...random.pick(forced));
    return this.#settle(random.pick(open));
  }

  #prepare(): LogRecord[] {
    const tried = this.#random.chance(0.3) ? this.#again.pop() : undefined;
    const { order, card } = tried ?? this.#newOrder();
    const legs = resolvedLegsOf(order, node, card);
    if (this.#state.ledger.refusalOf(legs, true) !== undefined) return [];
    const transaction = `1-0123456789ab-${++this.#attempts}` as TransactionId;
    this.#prepared.add({ transaction, payment: order.payment, order, card });
    return [{ type: "prepared", transaction, order, card }];
  }

  #newOrder(): { readonly order: Order; readonly card?: string } {
    const n = BigInt(this.#random.between([2, 1_000]));
    const id = paymentId(this.#payments++);
    const [here, other] = ["main@bob", "other@bob"];
    const ways: readonly [originator: string, legs: readonly string[], card?: string][] = [
      ["alice", [`-${n} USD main@alice`, `${n} USD ${here}`]],
      ["bob", [`-${n} USD ${here}`, `${n} USD main@alice`]],
      ["bob", [`-${n} USD ${here}`, `${n} USD ${other}`]],
      ["bob", [`-${n} USD ${other}`, `1 USD ${here}`, `${n - 1n} USD main@alice`]],
      ["bob", [`-${n} USD ${other}`, `${n} USD main@alice`]],
      ["alice", [`-${n} USD card@bob`, `${n} USD main@alice`], account],
      ["alice", [`-${n} USD card@bob`, `${n - 1n} USD main@alice`, `1 USD ${here}`], account],
      ["alice", [`-${n} USD card@bob`, `${n} USD main@alice`], "other"],
      ["bob", [`${n} USD ${here}`, `-${n} USD card@alice`]],
    ];
    const [originator, legs, card] = this.#random.pick(ways);
    return { order: encodeOrder(orderOf(originator, legs, id)), card };
  }

  #settle(attempt: Attempt): LogRecord[] {
    this.#prepared.delete(attempt);
    const { transaction, payment, order, card } = attempt;
    const roll = this.#random.next();
    if (roll < 0.6) return [posted(attempt)];
    if (roll < 0.8) {
      this.#again.push({ order, card });
      return [{ type: "released", transaction, payment }];
    }
    const commit = this.#random.chance(0.6);
    this.#forced.set(attempt, commit);
    return [{ type: "forced", transaction, order, commit, by: "ann", card }];
  }

  #settleForced(attempt: Attempt, commit: boolean): LogRecord[] {
    this.#forced.delete(attempt);
    const { transaction, payment } = attempt;
    if (this.#random.chance(0.4)) {
      return [{ type: "mismatch", transaction, payment, commit: !commit }];
    }
    return [commit ? posted(attempt) : { type: "released", transaction, payment }];
  }

  /** All lines that a statement is to have which is made at a place. */
  linesOf(upTo: Place, fromMs = -Infinity, toMs = Infinity): Moved[] {
    const [first, end] = [fromMs, toMs].map((ms) => {
      const last = this.times.findLastIndex((atMs, number) =>
        number > 0 && (number < upTo.number || (number === upTo.number && upTo.at > 0)) && atMs < ms
      );
      return last + 1;
    }) as [number, number];
    return this.moved.filter(({ number, at }) =>
      (fromMs === -Infinity || number >= first) && number < end &&
      (number < upTo.number || (number === upTo.number && at <= upTo.at))
    );
  }

  async statement(now: Place & { readonly balance: bigint }, fromMs?: number, toMs?: number) {
    const statement = new Statement({
      ...{ log: this.log, node, account, currency: "USD" },
      told: () => Promise.resolve(undefined),
      time: { monotonicMs: () => 0, nextPoll: () => Promise.resolve() },
    });
    const parts = await Array.fromAsync(statement.parts(now, fromMs, toMs));
    const [opening, ...lines] = parts;
    const closing = lines.pop();
    assert(opening?.type === "opening" && closing?.type === "closing");
    return { opening, lines: lines as StatementLine[], closing };
  }
}

function posted({ transaction, payment }: Attempt): LogRecord {
  const decided = { number: 7, atMs: decidedMs, clock: new Map([["coordinator", 7]]) };
  return { type: "posted", transaction, payment, decided };
}

function sumOf(lines: readonly { readonly amount: bigint }[]): bigint {
  return lines.reduce((sum, { amount }) => sum + amount, 0n);
}

for (let seed = 1; seed <= 12; seed++) {
  Deno.test(`a statement adds up, and has what moved the books, wherever it is made: log ${seed}`, async () => {
    const random = new Random(seed);
    const history = await History.make(seed, 60);
    assert(history.moved.some(({ isForced }) => isForced));
    for (let round = 0; round < 40; round++) {
      const now = random.pick(history.places);
      const bound = () => random.chance(0.3) ? undefined : random.pick(history.times.slice(1));
      const [a, b] = [bound(), bound()];
      const [from, to] = a !== undefined && b !== undefined && a > b ? [b, a] : [a, b];
      const { opening, lines, closing } = await history.statement(now, from, to);
      assertEquals(
        lines.map(({ type, amount, balance, ...line }) => ({
          ...{ type, amount, balance },
          payment: "payment" in line ? line.payment : undefined,
          isForced: "isForced" in line && line.isForced,
        })),
        history.linesOf(now, from, to).map(({ type, amount, balance, payment, isForced }) => ({
          ...{ type, amount, balance, payment, isForced },
        })),
      );
      assertEquals(opening.balance + sumOf(lines), closing.balance);
      assertEquals(closing.credits - closing.debits, sumOf(lines));
      assertEquals(closing.lines, lines.length);
      if (to === undefined) assertEquals(closing.balance, now.balance);
      if (from === undefined) assertEquals(opening.balance, 0n);
      // The periods before and after have the rest.
      if (from !== undefined) {
        assertEquals(
          (await history.statement(now, undefined, from)).closing.balance,
          opening.balance,
        );
      }
      if (to !== undefined) {
        assertEquals((await history.statement(now, to)).opening.balance, closing.balance);
      }
    }
  });
}

Deno.test("a line says who was on the other side, and with a card it is the account behind it", async () => {
  const log = await Log.open(new MemoryStorage());
  await log.replay(() => {});
  const orders: readonly [string, readonly string[], string?][] = [
    ["alice", ["-7 USD main@alice", "4 USD main@bob", "3 USD main@carol"]],
    ["bob", ["-7 USD main@bob", "4 USD main@alice", "3 USD fees@bob", "-2 EUR e@bob", "2 EUR e@a"]],
    ["alice", ["-5 USD card@bob", "5 USD main@alice"], "main"],
    ["alice", ["-5 USD card@bob", "4 USD main@alice", "1 USD main@bob"], "other"],
    ["bob", ["-5 USD card@alice", "5 USD main@bob"]],
  ];
  const records: LogRecord[] = [{ type: "opened", account, currency: "USD", opening: 100n }];
  for (const [index, [originator, legs, card]] of orders.entries()) {
    const payment = paymentId(index);
    const transaction = `1-0123456789ab-${index + 1}` as TransactionId;
    const order = orderOf(originator, legs, payment);
    records.push({ type: "prepared", transaction, order, card });
    records.push(posted({ transaction, payment, order }));
  }
  const clock = new Map([[node, 1]]);
  await log.append({ atMs: begunMs, clock, witnesses: new Map(), records });
  const statement = new Statement({
    ...{ log, node, account, currency: "USD" },
    told: () => Promise.resolve(undefined),
    time: { monotonicMs: () => 0, nextPoll: () => Promise.resolve() },
  });
  const now = { number: 2, at: 0, balance: 98n };
  const told = (part: StatementPart) =>
    part.type === "payment"
      ? [[part.amount, part.others.join(), part.postedMs, part.decidedMs]]
      : [];
  const lines = (await Array.fromAsync(statement.parts(now, undefined, undefined))).flatMap(told);
  assertEquals(
    lines,
    [
      [4n, "main@alice"],
      [-7n, "fees@bob,main@alice"],
      [-5n, "main@alice"],
      [1n, "other@bob"],
      [5n, "card@alice"],
    ].map((line) => [...line, begunMs, decidedMs]),
  );
});
