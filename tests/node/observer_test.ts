/** Who looks on while payments go on. */

import { assertEquals } from "@std/assert";
import { Log } from "../../src/log/log.ts";
import { MemoryStorage } from "../../src/log/storage.ts";
import { Observer } from "../../src/node/observer.ts";
import type { Prepared } from "../../src/protocol/record.ts";
import { prepared } from "../log/records.ts";

const { order } = prepared(1) as Prepared;

Deno.test("a payment that begins while somebody looks is followed on", async () => {
  const log = await Log.open(new MemoryStorage());
  await log.replay(() => {});
  let isAsked = false;
  const observer = new Observer({
    name: "alice",
    role: "participant",
    log,
    // Its turn comes after the order was taken on, and before that is stepped.
    look: (read) => {
      if (isAsked) observer.ordered(order);
      return Promise.resolve().then(read);
    },
    orderOf: () => undefined,
    isOpen: () => false,
    payment: () => Promise.resolve(undefined),
    onError: (line) => {
      throw new Error(line);
    },
  });
  await observer.recent();
  isAsked = true;
  const seen = await observer.recent();
  assertEquals(seen.map(({ payment }) => payment.id), [order.payment]);
});
