import { assertEquals, assertStringIncludes } from "@std/assert";
import { restoredAtOnceMax } from "../../src/limits.ts";
import { asker, FakeNode, paymentId, post } from "./fake_node.ts";

const path = "/v1/restore";

Deno.test("POST /v1/restore says of each payment what became of it", async () => {
  const node = new FakeNode();
  const { status, json } = await asker(node)(path, post({ proofs: ["AQID", "", "BA=="] }));
  assertEquals(node.restored, [Uint8Array.of(1, 2, 3), Uint8Array.of(), Uint8Array.of(4)]);
  assertEquals([status, json], [200, {
    results: [
      { id: paymentId, result: "restored" },
      { result: "no_proof", why: "it can't be read" },
      { id: paymentId, result: "restored" },
    ],
  }]);
});

const malformed: readonly [body: unknown, field: string][] = [
  [{}, "proofs"],
  [{ proofs: [] }, "proofs"],
  [{ proofs: "AQID" }, "proofs"],
  [{ proofs: ["AQID", "A"] }, "proofs[1]"],
  [{ proofs: [1] }, "proofs[0]"],
  [{ proofs: Array(restoredAtOnceMax + 1).fill("AQ==") }, "proofs"],
  [{ proofs: ["AQ=="], by: "ann" }, "by"],
];

for (const [body, field] of malformed) {
  Deno.test(`POST /v1/restore ${JSON.stringify(body).slice(0, 40)} is malformed: ${field}`, async () => {
    const node = new FakeNode();
    const { status, json } = await asker(node)(path, post(body));
    assertEquals([status, json.code, json.field], [400, "malformed", field]);
    assertEquals(node.restored, []);
  });
}

Deno.test("POST /v1/restore takes more than other requests, but not without end", async () => {
  const ask = asker(new FakeNode());
  const proof = "A".repeat(1024 * 1024);
  assertEquals((await ask(path, post({ proofs: [proof, proof] }))).status, 200);
  assertEquals((await ask(path, post({ proofs: Array(9).fill(proof) }))).status, 413);
});

Deno.test("a coordinator has nothing to restore", async () => {
  const { status, json } = await asker(new FakeNode("coordinator"))(
    path,
    post({ proofs: ["AQ=="] }),
  );
  assertEquals(status, 405);
  assertStringIncludes(`${json.detail}`, "participant");
});
