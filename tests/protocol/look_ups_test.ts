import { assertEquals } from "@std/assert";
import { askedLookUpsMax } from "../../src/limits.ts";
import { LookUps } from "../../src/protocol/look_ups.ts";
import { Output } from "../../src/protocol/step.ts";
import { atMs, paymentAt } from "./example.ts";

const [older, mark, younger] = [atMs - 1, atMs, atMs + 1].map((ms) => paymentAt(ms));

const marks: readonly [string, typeof older, boolean][] = [
  ["older than the mark", older, false],
  ["at the mark", mark, false],
  ["younger than the mark", younger, true],
];

for (const [what, id, isAbsent] of marks) {
  Deno.test(`LookUps: an id ${what} is ${isAbsent ? "new" : "asked of the index"}`, () => {
    const lookUps = new LookUps<string>();
    lookUps.raiseMark(mark!);
    // Monotone: a checkpoint of older payments does not make an old id look new.
    lookUps.raiseMark(older!);
    const out = new Output<never>();
    assertEquals(lookUps.isAbsent(id!, "event", out), isAbsent);
    assertEquals(out.lookUps, isAbsent ? [] : [id!]);
  });
}

Deno.test("LookUps: before anything left memory every id is new", () => {
  assertEquals(new LookUps<string>().isAbsent(older!, "event", new Output<never>()), true);
});

Deno.test("LookUps: a second event joins the first, and both are stepped in their order", () => {
  const lookUps = new LookUps<string>();
  lookUps.raiseMark(mark!);
  const out = new Output<never>();
  for (const event of ["first", "second"]) lookUps.isAbsent(older!, event, out);
  assertEquals([out.lookUps, lookUps.size], [[older!], 1]);
  const stepped: string[] = [];
  lookUps.answer(older!, (event) => {
    assertEquals(lookUps.isAbsent(older!, event, out), true);
    stepped.push(event);
  });
  assertEquals([stepped, lookUps.size], [["first", "second"], 0]);
  assertEquals(lookUps.isAbsent(older!, "third", out), false);
});

Deno.test("LookUps: it is busy with an id that is reserved, and with all where many are", () => {
  const lookUps = new LookUps<string>();
  lookUps.raiseMark(mark!);
  const out = new Output<never>();
  assertEquals(lookUps.isBusy(older!), false);
  lookUps.isAbsent(older!, "event", out);
  assertEquals([older!, mark!, younger!].map((id) => lookUps.isBusy(id)), [true, false, false]);
  lookUps.answer(older!, () => assertEquals(lookUps.isBusy(older!), false));
  assertEquals(lookUps.isBusy(older!), false);
  for (let i = 0; i < askedLookUpsMax; i++) lookUps.isAbsent(paymentAt(atMs - 2, i), "event", out);
  assertEquals([older!, mark!, younger!].map((id) => lookUps.isBusy(id)), [true, true, false]);
});

Deno.test("LookUps: an answer that nobody waits for is nothing", () => {
  new LookUps<string>().answer(older!, () => assertEquals("stepped", ""));
});
