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

Deno.test("of very many alarms the latest are kept", () => {
  const alarms = new Alarms();
  for (let i = 0; i < 101; i++) alarms.raise({ text: `${i}` }, 0);
  assertEquals([alarms.texts().length, alarms.texts()[0]], [100, "1970-01-01T00:00:00.000Z 1"]);
});
