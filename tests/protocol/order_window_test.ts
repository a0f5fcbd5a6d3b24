/** A participant lets as many orders be on their way as are begun in time, and it goes by delay alone. */

import { assert, assertEquals } from "@std/assert";
import {
  orderDelayMsMax,
  ordersOutAtFirst,
  ordersOutMin,
  ownOrdersMax,
  resendIntervalMs,
} from "../../src/limits.ts";
import { OrderWindow } from "../../src/protocol/order_window.ts";
import { paymentAt } from "./example.ts";

const inTimeMs = orderDelayMsMax;
const lateMs = 1.25 * orderDelayMsMax;

class Bench {
  readonly window = new OrderWindow();
  nowMs = 0;
  #sent = 0;
  #begun = 0;

  get room(): number {
    return this.window.room(this.nowMs);
  }

  get first() {
    return paymentAt(0, this.#begun + 1);
  }

  send(count: number): void {
    for (let i = 0; i < count; i++) this.window.left(paymentAt(0, ++this.#sent), this.nowMs);
  }

  pass(ms: number): void {
    this.nowMs += ms;
  }

  /** The oldest are begun. */
  begin(count: number): void {
    for (let i = 0; i < count; i++) this.window.begun(paymentAt(0, ++this.#begun), this.nowMs);
  }

  /** So many leave, and are begun after so long. */
  round(count: number, tookMs: number): void {
    this.send(count);
    this.pass(tookMs);
    this.begin(count);
  }
}

Deno.test("before anything is measured there is room for the first rush", () => {
  assertEquals(new OrderWindow().room(0), ordersOutAtFirst);
});

Deno.test("one order that is late tells of a pause, two in a row of a queue", () => {
  const bench = new Bench();
  for (const ms of [lateMs, inTimeMs, lateMs]) bench.round(ordersOutAtFirst / 2, ms);
  assertEquals(bench.room, ordersOutAtFirst);
  // All of them took a quarter longer than they may.
  bench.round(ordersOutAtFirst, lateMs);
  assertEquals(bench.room, Math.floor(ordersOutAtFirst / 1.25));
});

Deno.test("however late, half of it is left", () => {
  const bench = new Bench();
  for (let i = 0; i < 2; i++) bench.round(1, 100 * orderDelayMsMax);
  assertEquals(bench.room, ordersOutAtFirst / 2);
});

Deno.test("what is begun in time lets more go, as far as they are needed", () => {
  const bench = new Bench();
  bench.round(ordersOutAtFirst / 2, inTimeMs);
  assertEquals(bench.room, ordersOutAtFirst);
  bench.round(ordersOutAtFirst, inTimeMs);
  assert(bench.room > ordersOutAtFirst);
  for (let i = 0; i < 200; i++) bench.round(bench.room, inTimeMs);
  assertEquals(bench.room, ownOrdersMax);
});

Deno.test("those that leave after the one that is watched count, too", () => {
  const bench = new Bench();
  for (let i = 0; i < 2; i++) {
    bench.send(1);
    bench.send(ordersOutAtFirst - 1);
    bench.pass(inTimeMs);
    bench.begin(ordersOutAtFirst);
  }
  assert(bench.room > ordersOutAtFirst);
});

Deno.test("a coordinator far away is found not to be a busy one", () => {
  const bench = new Bench();
  const farMs = 5 * orderDelayMsMax;
  let rounds = 0;
  while (bench.room > ordersOutMin) bench.round(1, farMs), rounds++;
  assert(rounds < 10);
  for (let i = 0; i < 20; i++) bench.round(bench.room, farMs);
  assert(bench.room > 10 * ordersOutMin);
  // A queue there is one all the same.
  const before = bench.room;
  for (let i = 0; i < 2; i++) bench.round(before, farMs + lateMs);
  assert(bench.room < before);
});

Deno.test("while nothing comes back nothing more leaves", () => {
  const bench = new Bench();
  bench.send(10);
  bench.pass(2 * orderDelayMsMax);
  assertEquals(bench.room, ordersOutAtFirst - 10);
  bench.pass(1);
  assertEquals(bench.room, 0);
  bench.begin(10);
  assertEquals(bench.room, ordersOutAtFirst);
});

Deno.test("an order that may have been lost is late, and another is watched in its place", () => {
  const bench = new Bench();
  for (let i = 0; i < 2; i++) {
    bench.send(1);
    bench.pass(resendIntervalMs);
    bench.window.tick(bench.nowMs);
    assertEquals(bench.room, 0);
    bench.pass(1);
    bench.window.tick(bench.nowMs);
    assert(bench.room > 0);
  }
  // Two in a row.
  assertEquals(bench.room, ordersOutAtFirst / 2 - 2);
});

Deno.test("the time of an order that will not be begun says nothing", () => {
  const ways: Record<string, (bench: Bench) => void> = {
    "given up": ({ window, first }) => window.lost(first),
    "over a link that is down": ({ window }) => window.unlinked(),
  };
  for (const [way, happen] of Object.entries(ways)) {
    const bench = new Bench();
    bench.send(1);
    bench.pass(2 * orderDelayMsMax + 1);
    assertEquals(bench.room, 0);
    happen(bench);
    assertEquals(bench.room, ordersOutAtFirst - (way === "given up" ? 0 : 1), way);
  }
});
