/** A participant that does not answer holds up its own payments, and no others. */

import { assert, assertEquals } from "@std/assert";
import { linkQueueBytesMax } from "../../src/limits.ts";
import { measureSlowPeer } from "../speed/slow_peer.ts";

Deno.test({
  name: "payments that do not involve a stopped participant go on as before",
  // It starts nodes in its own way.
  ignore: Deno.env.has("HANDFAST_EXECUTABLE"),
  fn: async () => {
    const rate = 400;
    const { running, stopped } = await measureSlowPeer({ rate, warmUpMs: 300, ms: 1_500 });
    const found = JSON.stringify({ running, stopped });
    // Half of what arrives is between the two that run.
    assert(stopped.tps > 0.8 * rate / 2, found);
    // Other programs' load changes from second to second; what waits for a vote waits for seconds.
    assert(stopped.p99ms < 3 * running.p99ms + 200, found);
    assertEquals(stopped.overloaded, 0, found);
    assert(stopped.residentBytes < running.residentBytes + linkQueueBytesMax, found);
  },
});
