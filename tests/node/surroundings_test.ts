import { assertEquals } from "@std/assert";
import { machine } from "../../src/node/surroundings.ts";
import { parsePaymentId, paymentIdMs } from "../../src/protocol/id.ts";

Deno.test("newPaymentId() makes UUIDv7s of now, each another one", async () => {
  const ids = new Set<string>();
  for (let round = 0; round < 3; round++) {
    const before = Date.now();
    for (let i = 0; i < 1_000; i++) {
      const id = machine.newPaymentId();
      assertEquals(parsePaymentId(id), id);
      const ms = paymentIdMs(id);
      assertEquals(ms >= before && ms <= Date.now(), true, id);
      ids.add(id);
    }
    await machine.time.sleep(2);
  }
  assertEquals(ids.size, 3_000);
});
