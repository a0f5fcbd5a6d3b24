/** What a node tells of the room on its disk. */

import { assert, assertEquals } from "@std/assert";
import { freeBytesIn, FreeSpace } from "../../src/node/free_space.ts";

/** Whatever is measured by then has arrived. */
const settled = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("FreeSpace measures at once, then every five seconds, and forgets what it can't", async () => {
  let measured = 0;
  const space = new FreeSpace(() =>
    ++measured === 2 ? Promise.reject(new Error("unmounted")) : Promise.resolve(1_000 * measured)
  );
  assertEquals(space.bytes(0), undefined);
  const seen: unknown[] = [];
  for (const nowMs of [100, 200, 5_000, 5_100, 10_000, 10_100]) {
    space.tick(nowMs);
    await settled();
    seen.push(space.bytes(nowMs));
  }
  assertEquals(seen, [1_000, 1_000, 1_000, undefined, undefined, 3_000]);
});

Deno.test("FreeSpace asks a disk that does not answer once, and tells nothing old of it", async () => {
  let asked = 0;
  const space = new FreeSpace(() => ++asked === 1 ? Promise.resolve(7) : new Promise(() => {}));
  const seen: unknown[] = [];
  for (const nowMs of [0, 5_000, 10_000, 19_900, 20_000]) {
    space.tick(nowMs);
    await settled();
    seen.push(space.bytes(nowMs));
  }
  assertEquals([asked, seen], [2, [7, 7, 7, 7, undefined]]);
});

Deno.test("FreeSpace tells nothing where nobody measures", async () => {
  const space = new FreeSpace(undefined);
  space.tick(0);
  await settled();
  assertEquals(space.bytes(0), undefined);
});

Deno.test("freeBytesIn() tells whole bytes of a folder's disk", async () => {
  const bytes = await freeBytesIn(Deno.cwd());
  assert(Number.isInteger(bytes) && bytes >= 0, `${bytes}`);
});
