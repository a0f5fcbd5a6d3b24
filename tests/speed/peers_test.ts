/** What stands under `deno task bench:peers`, as far as it needs no servers. */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FormatError } from "../../src/errors.ts";
import { Batches } from "./peers/batches.ts";
import type { Figure } from "./peers/figures.ts";
import { compare, median } from "./peers/figures.ts";
import type { Ledger, Stores } from "./peers/load.ts";
import { accounts, measureLoad, opening } from "./peers/load.ts";
import {
  decodeError,
  decodeRow,
  encodeCall,
  encodePrepare,
  encodeQuery,
  encodeStartup,
  MessageDecoder,
} from "./peers/postgres_wire.ts";
import { encodeCommand, ReplyDecoder } from "./peers/resp.ts";
import { Waiting } from "./peers/waiting.ts";

Deno.test("a command of Redis is an array of its words, each with its length", () => {
  assertEquals(
    encodeCommand(["RPUSH", "decisions", ""]),
    "*3\r\n$5\r\nRPUSH\r\n$9\r\ndecisions\r\n$0\r\n\r\n",
  );
});

Deno.test("replies of Redis are the same wherever their bytes are parted", () => {
  const bytes = new TextEncoder().encode(
    ":1\r\n:-20\r\n+OK\r\n$5\r\na\r\nbc\r\n$0\r\n\r\n$-1\r\n-ERR no such thing\r\n:1000000000000\r\n",
  );
  const error = "Redis answered ERR no such thing";
  const expected = [1, -20, "OK", "a\r\nbc", "", null, error, 1_000_000_000_000];
  for (let cut = 0; cut <= bytes.length; cut++) {
    const decoder = new ReplyDecoder();
    const replies = [bytes.subarray(0, cut), bytes.subarray(cut)].flatMap((part) =>
      // A connection reads into the same bytes again.
      decoder.push(part.slice())
    );
    assertEquals(replies.map((it) => it instanceof Error ? it.message : it), expected);
  }
});

Deno.test("what Redis does not reply with is refused", () => {
  const array = new TextEncoder().encode("*1\r\n:1\r\n");
  assertThrows(() => new ReplyDecoder().push(array), FormatError, "begins with");
});

Deno.test("messages to PostgreSQL are those of its protocol", () => {
  const cases: readonly (readonly [found: Uint8Array, expected: string])[] = [
    [encodeStartup("me", "it"), "\0\0\0\x1d\0\x03\0\0user\0me\0database\0it\0\0"],
    [encodeQuery("select 'é'"), "Q\0\0\0\x10select 'é'\0"],
    [
      encodePrepare("f", "select f($1)"),
      "P\0\0\0\x15f\0select f($1)\0\0\0" + "S\0\0\0\x04",
    ],
    [
      encodeCall("f", ["{1,2}", ""]),
      "B\0\0\0\x1a\0f\0\0\0\0\x02\0\0\0\x05{1,2}\0\0\0\0\0\0" +
      "E\0\0\0\x09\0\0\0\0\0" +
      "S\0\0\0\x04",
    ],
  ];
  for (const [found, expected] of cases) assertEquals(new TextDecoder().decode(found), expected);
});

Deno.test("messages of PostgreSQL are the same wherever their bytes are parted", () => {
  const bytes = new TextEncoder().encode("1\0\0\0\x04" + "D\0\0\0\x06\0\0" + "Z\0\0\0\x05I");
  for (let cut = 0; cut <= bytes.length; cut++) {
    const decoder = new MessageDecoder();
    const messages = [bytes.subarray(0, cut), bytes.subarray(cut)]
      .flatMap((part) => decoder.push(part.slice()));
    assertEquals(
      messages.map(({ type, body }) => [type, ...body]),
      [["1"], ["D", 0, 0], ["Z", 73]],
    );
  }
  const short = new TextEncoder().encode("Z\0\0\0\x03");
  assertThrows(() => new MessageDecoder().push(short), FormatError, "of 3 bytes");
});

Deno.test("rows and errors of PostgreSQL are read from their messages", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const row = [0, 3, 0, 0, 0, 5, ...bytes("{t,f}"), 255, 255, 255, 255, 0, 0, 0, 0];
  assertEquals(decodeRow(Uint8Array.from(row)), ["{t,f}", null, ""]);
  assertEquals(
    decodeError(bytes("SERROR\0VERROR\0C42601\0Msyntax error\0P1\0\0")),
    "ERROR: syntax error",
  );
});

Deno.test("answers go to requests in their order, and after the end to none", async () => {
  const waiting = new Waiting<number>();
  const first = waiting.join();
  const second = waiting.join();
  const third = waiting.join();
  waiting.answer([1, new Error("no")]);
  assertEquals(await first, 1);
  await assertRejects(() => second, Error, "no");
  waiting.end(new Error("closed"));
  await assertRejects(() => third, Error, "closed");
  await assertRejects(() => waiting.join(), Error, "closed");
  assertThrows(() => waiting.answer([1]), Error, "1 answers came to 0 requests");
});

Deno.test("what comes while a batch is under way makes the next", async () => {
  const batches: (readonly number[])[] = [];
  const doubled = new Batches<number, number>(async (items) => {
    batches.push(items);
    if (batches.length === 1) later.push(doubled.add(3), doubled.add(4));
    await Promise.resolve();
    if (items.includes(5)) throw new Error("five");
    return items.map((item) => item * 2);
  });
  const later: Promise<number>[] = [];
  assertEquals(await Promise.all([doubled.add(1), doubled.add(2)]), [2, 4]);
  assertEquals(await Promise.all(later), [6, 8]);
  await assertRejects(() => doubled.add(5), Error, "five");
  assertEquals(await doubled.add(6), 12);
  assertEquals(batches, [[1, 2], [3, 4], [5], [6]]);
});

Deno.test("a load pays, and tells where money was lost", async () => {
  const { signal } = new AbortController();
  const pressure = { concurrency: 4, warmUpMs: 5, ms: 20 };
  const { tps, p50ms, p99ms } = await measureLoad(storesThatLose(0), pressure, signal);
  assertEquals([tps > 0, p50ms > 0, p99ms >= p50ms], [true, true, true]);
  await assertRejects(
    () => measureLoad(storesThatLose(1), pressure, signal),
    Error,
    "the stores hold 1999999999998 and 0 open legs, not 2000000000000 and none",
  );
});

Deno.test("a load ends when it is told to, and when a store fails", async () => {
  const pressure = { concurrency: 4, warmUpMs: 60_000, ms: 60_000 };
  await assertRejects(
    () => measureLoad(storesThatLose(0), pressure, AbortSignal.timeout(10)),
    Error,
    "aborted",
  );
  const failing = { ...storesThatLose(0), decide: () => Promise.reject(new Error("disk full")) };
  const stop = new AbortController();
  await assertRejects(() => measureLoad(failing, pressure, stop.signal), Error, "disk full");
  stop.abort();
});

/** Stores in memory, each of which has lost some money. */
function storesThatLose(amount: number): Stores {
  const turn = () => new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 0));
  const ledger: Ledger = {
    prepare: turn,
    commit: turn,
    abort: turn,
    audit: () => Promise.resolve({ total: accounts * opening - amount, held: 0 }),
  };
  return {
    ledgers: [ledger, ledger],
    decide: turn,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

Deno.test("a median is the value in the middle", () => {
  const cases: readonly (readonly [values: number[], expected: number])[] = [
    [[7], 7],
    [[9, 1, 5], 5],
    [[4, 1, 2, 3], 2.5],
    [[10, 9, 100, 1_000, 2], 10],
    [[], NaN],
  ];
  for (const [values, expected] of cases) assertEquals(median(values), expected);
});

Deno.test("Handfast is compared with the better of the others: by throughput, alone by p50", () => {
  const figures: Figure[] = [];
  const add = (system: string, concurrency: number, runs: readonly (readonly number[])[]) => {
    for (const [i, [tps, p50ms]] of runs.entries()) {
      figures.push({ system, concurrency, round: i + 1, tps: tps!, p50ms: p50ms!, p99ms: 99 });
    }
  };
  add("handfast", 1, [[900, 1.5], [1_000, 1.2], [800, 1.2]]);
  add("redis-2pc", 1, [[100, 0.9], [50, 1], [80, 2]]);
  add("pg-holds", 1, [[400, 1.8]]);
  add("handfast", 512, [[60_000, 8], [90_000, 6]]);
  add("redis-2pc", 512, [[45_000, 9], [35_000, 9]]);
  add("pg-holds", 512, [[50_000, 9], [50_000, 9]]);
  assertEquals(compare(figures, "handfast"), [
    {
      concurrency: 1,
      measure: "p50ms",
      medians: { "handfast": 1.2, "redis-2pc": 1, "pg-holds": 1.8 },
      better: "redis-2pc",
      ratio: 1.2,
    },
    {
      concurrency: 512,
      measure: "tps",
      medians: { "handfast": 75_000, "redis-2pc": 40_000, "pg-holds": 50_000 },
      better: "pg-holds",
      ratio: 1.5,
    },
  ]);
  assertThrows(
    () => compare(figures.filter(({ system }) => system === "handfast"), "handfast"),
    Error,
    "nothing to compare at 1 in flight",
  );
});
