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
  assertEquals(space.bytes, undefined);
  const seen: unknown[] = [];
  for (const nowMs of [100, 200, 5_000, 5_100, 10_000, 10_100]) {
    space.tick(nowMs);
    await settled();
    seen.push(space.bytes);
  }
  assertEquals(seen, [1_000, 1_000, 1_000, undefined, undefined, 3_000]);
});

Deno.test("FreeSpace asks a disk that does not answer once", async () => {
  let asked = 0;
  const space = new FreeSpace(() => {
    asked++;
    return new Promise(() => {});
  });
  for (const nowMs of [0, 10_000, 20_000]) space.tick(nowMs);
  await settled();
  assertEquals([asked, space.bytes], [1, undefined]);
});

Deno.test("FreeSpace tells nothing where nobody measures", async () => {
  const space = new FreeSpace(undefined);
  space.tick(0);
  await settled();
  assertEquals(space.bytes, undefined);
});

Deno.test("freeBytesIn() tells whole bytes of a folder's disk", async () => {
  const bytes = await freeBytesIn(Deno.cwd());
  assert(Number.isInteger(bytes) && bytes >= 0, `${bytes}`);
});
