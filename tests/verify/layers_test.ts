/** Checkpoints that have only the balances that have changed, on those before. */

import { assertEquals } from "@std/assert";
import type { Frozen } from "../../src/protocol/frozen.ts";
import type { Checkpointed } from "../../src/protocol/record.ts";
import { verifyLogs } from "../../src/verify/mod.ts";
import { assertFound, replaced, Scene } from "./scene.ts";

type Change = (state: Frozen) => Frozen;

const asItIs: Change = (state) => state;

/**
 * Three checkpoints of bob, of whose accounts one is paid to: all balances, and twice the one on them.
 *
 * @param tamper with the record of a checkpoint, by its place
 * @param change the third
 */
async function play(
  tamper: (record: Checkpointed, place: number) => Checkpointed = (record) => record,
  change: Change = asItIs,
): Promise<{ scene: Scene; places: readonly number[] }> {
  const places: number[] = [];
  const scene = await Scene.begin((name, content) =>
    name !== "bob" ? content : replaced(
      content,
      ({ type }) => type === "checkpointed",
      (record) => {
        const { number } = record as Checkpointed;
        places.push(number);
        return [tamper(record as Checkpointed, places.length)];
      },
    )
  );
  for (const account of ["a", "b", "c"]) {
    await scene.step("bob", { type: "open", request: 0, account, currency: "USD", opening: 7n });
  }
  await scene.pay(1, "alice", "bob", 100n);
  await scene.checkpoint("bob");
  await scene.pay(2, "alice", "bob", 20n);
  await scene.checkpoint("bob");
  await scene.pay(3, "bob", "alice", 3n);
  await scene.checkpoint("bob", change);
  await scene.pay(4, "alice", "bob", 4n);
  return { scene, places };
}

Deno.test("verifyLogs() finds nothing wrong in checkpoints that lie on each other", async () => {
  const on: number[] = [];
  const { scene, places } = await play((record) => {
    on.push(record.on);
    return record;
  });
  await using _ = scene;
  scene.stop();
  assertEquals(on, [0, ...places.slice(0, 2)]);
  const { violations, notChecked } = await verifyLogs(scene.dirs);
  assertEquals(violations, []);
  assertEquals(notChecked, []);
});

Deno.test("verifyLogs() takes a checkpoint that was never finished for no violation", async () => {
  const { scene } = await play();
  await using _ = scene;
  await scene.checkpoint("bob", asItIs, false);
  scene.stop();
  assertEquals((await verifyLogs(scene.dirs)).violations, []);
});

const another = /bob: the checkpoint at entry (\d+) goes on from another than the one before it/;
const notMade = /bob: the checkpoint at entry (\d+) is not what the entries up to there make/;

Deno.test("verifyLogs() finds a checkpoint that goes on from the one before the last", async () => {
  const { scene, places } = await play();
  await using _ = scene;
  await scene.checkpoint("bob", asItIs, false);
  // The log is the same: a node that starts again writes all balances.
  await scene.checkpoint("bob");
  scene.stop();
  const { violations } = await verifyLogs(scene.dirs);
  assertFound(violations, another);
  assertEquals(another.exec(violations.join())![1], String(places.at(-1)));
});

const wrong: readonly [claim: string, named: RegExp, ...Parameters<typeof play>][] = [
  [
    "that says it has all balances, and has not",
    notMade,
    (record, place) => place === 3 ? { ...record, on: 0 } : record,
  ],
  [
    "that says it lies on another",
    another,
    (record, place) => place === 3 ? { ...record, on: record.on - 1 } : record,
  ],
  [
    "that lies on one of another hash",
    notMade,
    (record, place) => place === 2 ? { ...record, hash: "cd".repeat(32) } : record,
  ],
  [
    "without a balance that has changed",
    notMade,
    undefined,
    (state) => ({ ...state, changed: { count: 0, found: [] } }),
  ],
  [
    "with a balance that has not changed",
    notMade,
    undefined,
    (state) => ({ ...state, changed: { ...state.all, count: 1 } }),
  ],
];

for (const [claim, named, ...how] of wrong) {
  Deno.test(`verifyLogs() finds a checkpoint ${claim}`, async () => {
    const { scene } = await play(...how);
    await using _ = scene;
    scene.stop();
    assertFound((await verifyLogs(scene.dirs)).violations, named);
  });
}

for (const place of [0, 1, 2]) {
  Deno.test(`verifyLogs() finds layer ${place} of the balances changed, missing or exchanged`, async () => {
    const { scene, places } = await play();
    await using _ = scene;
    scene.stop();
    const kv = await Deno.openKv(`${scene.dir("bob")}/log.kv`);
    const pieceAt = async (at: number) =>
      (await kv.get<Uint8Array>(["state", places[at % 3]!, 0])).value!;
    const value = await pieceAt(place);
    const other = await pieceAt(place + 1);
    const changed = value.slice();
    changed[changed.length - 1]! ^= 1;
    for (
      const [written, what] of [
        [changed, "is not what was written"],
        [other, "is not what was written"],
        [undefined, "lacks its piece 0"],
      ] as const
    ) {
      const key = ["state", places[place]!, 0];
      if (written) await kv.set(key, written);
      else await kv.delete(key);
      const { violations } = await verifyLogs(scene.dirs);
      assertFound(violations, RegExp(`bob: The checkpoint at entry ${places[place]} ${what}`));
      await kv.set(key, value);
      assertEquals((await verifyLogs(scene.dirs)).violations, []);
    }
    kv.close();
  });
}
