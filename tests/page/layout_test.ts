import { assert, assertEquals } from "@std/assert";
import { compareClocks as compareOnPage } from "../../src/http/page/clocks.js";
import { layout } from "../../src/http/page/layout.js";
import { compareClocks } from "../../src/protocol/vector_clock.ts";

type Clock = Readonly<Record<string, number>>;

interface Point {
  readonly key: string;
  readonly number: number;
  readonly column: number;
}

interface Layout {
  readonly lanes: string[];
  readonly columns: number;
  readonly events: Point[];
  readonly arrows: { readonly from: Point; readonly to: Point }[];
}

function entry(node: string, clock: Clock) {
  return { sequence: 0, node, number: clock[node]!, clock, what: "" };
}

/** One payment from alice to bob. */
const payment = [
  entry("coordinator", { coordinator: 1 }),
  entry("alice", { coordinator: 1, alice: 5 }),
  entry("bob", { coordinator: 1, bob: 7 }),
  entry("coordinator", { coordinator: 2, alice: 5, bob: 7 }),
  entry("alice", { coordinator: 2, alice: 6, bob: 7 }),
  entry("bob", { coordinator: 2, alice: 5, bob: 8 }),
];

Deno.test("the page compares clocks as the protocol does", () => {
  const clocks: Clock[] = [...payment.map(({ clock }) => clock), {}, { alice: 0 }, { bob: 9 }];
  const asMap = (clock: Clock) => new Map(Object.entries(clock));
  for (const a of clocks) {
    for (const b of clocks) assertEquals(compareOnPage(a, b), compareClocks(asMap(a), asMap(b)));
  }
});

Deno.test("layout() draws an arrow for each message and none for what a third passed on", () => {
  const { arrows }: Layout = layout(payment);
  const drawn = arrows.map(({ from, to }) => `${from.key} > ${to.key}`).sort();
  assertEquals(drawn, [
    "alice:5 > coordinator:2",
    "bob:7 > coordinator:2",
    "coordinator:1 > alice:5",
    "coordinator:1 > bob:7",
    "coordinator:2 > alice:6",
    "coordinator:2 > bob:8",
  ]);
});

Deno.test("layout() puts every entry right of what it knew, in whatever order they come", () => {
  for (const entries of [payment, payment.toReversed()]) {
    const { events, arrows, lanes }: Layout = layout(entries);
    assertEquals(lanes, ["alice", "coordinator", "bob"]);
    for (const { from, to } of arrows) assert(from.column < to.column);
    const column = Object.fromEntries(events.map(({ key, column }) => [key, column]));
    // Both votes are concurrent: neither is drawn before the other.
    assertEquals(column["alice:5"], column["bob:7"]);
    assertEquals(column["coordinator:2"], column["alice:5"]! + 1);
  }
});

Deno.test("layout() keeps to the newest columns", () => {
  const many = Array.from({ length: 100 }, (_, i) => entry("alice", { alice: i + 1 }));
  const { events, columns }: Layout = layout(many);
  assertEquals([events.length, columns], [48, 48]);
  assertEquals([events[0]?.number, events.at(-1)?.number], [53, 100]);
  assertEquals(layout([]).events, []);
});
