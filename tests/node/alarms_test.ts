/** Which alarms of a participant are still to be seen, after what it has raised and recorded. */

import { assertEquals, assertMatch } from "@std/assert";
import { Alarms } from "../../src/node/alarms.ts";
import { Bench, events } from "../protocol/participant_example.ts";

const forced = /by ann|ann forced/;

const rows: readonly [state: string, events: readonly string[], alarms: number, why: string][] = [
  ["prepared", ["resolve commit"], 1, "until the real decision is known"],
  ["prepared", ["resolve commit", "commit"], 0, "it was the real one"],
  ["prepared", ["resolve abort", "abort"], 0, "it was the real one"],
  ["prepared", ["resolve commit", "abort"], 2, "it was not the real one"],
  ["prepared", ["resolve abort", "commit"], 2, "it was not the real one"],
  ["prepared", ["resolve abort", "commit", "acknowledge"], 0, "somebody has seen to it"],
];

for (const [state, names, count, why] of rows) {
  Deno.test(`from ${state}, after ${names.join(", ")}: ${count} alarms, as ${why}`, () => {
    const alarms = new Alarms();
    // What belongs to no transaction stays.
    alarms.raise({ text: "another" }, 0);
    const bench = Bench.in(state);
    for (const name of names) {
      const out = bench.step(events[name]!);
      for (const alarm of out.alarms) alarms.raise(alarm, 1000);
      alarms.recorded(out.records);
    }
    const [other, ...texts] = alarms.texts();
    assertEquals(other, "1970-01-01T00:00:00.000Z another");
    assertEquals(texts.length, count, texts.join("\n"));
    for (const text of texts) assertMatch(text, forced);
  });
}

Deno.test("of very many alarms the latest are shown", () => {
  const alarms = new Alarms();
  for (let i = 0; i < 101; i++) alarms.raise({ text: `${i}` }, 0);
  assertEquals([alarms.texts().length, alarms.texts()[0]], [100, "1970-01-01T00:00:00.000Z 1"]);
});

Deno.test("the same alarm again is counted, and printed once a minute", () => {
  const alarms = new Alarms();
  const printed = [];
  // A clock that is set back once does not silence it.
  for (const second of [0, 1, 59, 60, 61, 119, 120, -600, -599]) {
    printed.push(alarms.raise({ text: "late" }, second * 1_000));
  }
  const none = undefined;
  const counted = (count: number) => `late (${count} times since 1970-01-01T00:00:00.000Z)`;
  assertEquals(printed, ["late", none, none, counted(4), none, none, counted(7), counted(8), none]);
  alarms.raise({ text: "another" }, 0);
  alarms.raise({ text: "late" }, 1_000);
  assertEquals(alarms.texts(), [
    "1970-01-01T00:00:00.000Z another",
    `1970-01-01T00:00:01.000Z ${counted(10)}`,
  ]);
});

Deno.test("hundreds of alarms that come again each second are printed once a minute each", () => {
  const alarms = new Alarms();
  let printed = 0;
  for (let second = 0; second < 60; second++) {
    for (let i = 0; i < 500; i++) {
      if (alarms.raise({ text: `${i}` }, second * 1_000) !== undefined) printed++;
    }
  }
  assertEquals(printed, 500);
});
