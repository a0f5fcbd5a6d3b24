/** Between nodes there is TLS and nothing else. */

import { assert, assertEquals } from "@std/assert";
import { Capture, notTls } from "./capture.ts";
import { Cluster } from "./cluster.ts";

const openings = { alice: ["main=1000.00:USD"], bob: ["main=1000.00:USD"] };

Deno.test("what nodes say to each other is TLS only", async () => {
  await using cluster = await Cluster.make(openings, false);
  const capture = await Capture.begin(`${cluster.folder}/capture.pcapng`);
  await cluster.startAll();
  const paid = await cluster.pay("alice", "bob", "5.00");
  assertEquals(paid.code, 0, paid.stderr);
  await cluster.unheld();
  const port = Number((await cluster.node("coordinator").address()).split(":")[1]);
  const streams = (await capture.end()).filter(({ from, to }) => from === port || to === port);
  assert(streams.length >= 4, `${streams.length} streams of links`);
  for (const stream of streams) {
    assert(stream.bytes.length > 1_000, "a link without a payment");
    assertEquals(notTls(stream), undefined);
  }
});

Deno.test("what is no TLS is told from it", () => {
  const of = (bytes: number[]) => ({ from: 1, to: 2, bytes: new Uint8Array(bytes) });
  assertEquals(notTls(of([22, 3, 1, 0, 1, 9, 23, 3, 3, 0, 2, 1, 2])), undefined);
  assert(notTls(of([...new TextEncoder().encode("GET / HTTP/1.1")])));
  assert(notTls(of([22, 3, 1, 0, 1, 9, 99, 3, 3, 0, 0])));
});
