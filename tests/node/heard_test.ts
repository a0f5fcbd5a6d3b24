/** What a node takes over of what its peers say of clocks. */

import { assertEquals, assertThrows } from "@std/assert";
import { encodeFrames } from "../../src/codec/frame.ts";
import { FormatError } from "../../src/errors.ts";
import { peersMax } from "../../src/limits.ts";
import { initCertificates } from "../../src/keys/init.ts";
import { startNode } from "../../src/node/run.ts";
import { stubSign } from "../codec/proofs.ts";

const anywhere = { hostname: "127.0.0.1", port: 0 };
const hash = new Uint8Array(32);

function frame(number: number, clock: [string, number][]): Uint8Array {
  return encodeFrames({ number, hash, clock: new Map(clock) }, [], stubSign)[0]!;
}

Deno.test("a clock counts its sender's own entries, and names only nodes that are known", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "handfast-heard-" });
  await initCertificates({ dir: `${folder}/certs`, nodes: ["coordinator", "alice"] });
  const { node, stop } = await startNode({
    role: "coordinator",
    name: "coordinator",
    certs: `${folder}/certs`,
    data: `${folder}/coordinator`,
    listen: anywhere,
    http: anywhere,
    serverName: "coordinator",
    open: [],
    logLevel: "error",
  }, () => {});
  try {
    await t.step("its own component is taken over", async () => {
      node.received("alice", frame(5, [["alice", 5]]));
      assertEquals((await node.status()).clock.get("alice"), 5);
      assertEquals(node.seenOf("alice")?.number, 5);
    });
    await t.step("with a name that nobody knows, nothing else is", async () => {
      node.received("alice", frame(6, [["alice", 6], ["mallory", 1_000_000], ["coordinator", 99]]));
      const { clock } = await node.status();
      assertEquals([clock.get("alice"), clock.has("mallory")], [6, false]);
      assertEquals(clock.get("coordinator")! < 99, true);
      assertEquals(node.seenOf("alice")?.number, 5);
    });
    await t.step("what it says of nodes that are known is", async () => {
      const introduction = { certificate: new Uint8Array(1), voucher: new Uint8Array(1) };
      const clock = new Map([["bob", 1]]);
      node.linkUp("bob", "participant", { address: "bob:1", clock, introduction });
      await node.status();
      node.received("alice", frame(7, [["alice", 7], ["bob", 4]]));
      assertEquals((await node.status()).clock.get("bob"), 4);
      assertEquals(node.seenOf("alice")?.number, 7);
    });
    await t.step("one that does not count its own entries is garbage", () => {
      assertThrows(
        () => node.received("alice", frame(8, [["alice", 9]])),
        FormatError,
        "own entries",
      );
    });
    await t.step("one of more nodes than there can be is garbage", () => {
      const names = Array.from({ length: peersMax + 2 }, (_, i): [string, number] => [`n${i}`, 1]);
      assertThrows(() => node.received("alice", frame(8, names)), FormatError, "nodes");
    });
  } finally {
    await stop();
    await Deno.remove(folder, { recursive: true });
  }
});
