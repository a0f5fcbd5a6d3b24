/** A coordinator that came back without entries which its participants have seen. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { IntegrityError } from "../../src/errors.ts";
import type { Greeted, LinkHost, LinkLayer } from "../../src/link/host.ts";
import { Log } from "../../src/log/log.ts";
import { MemoryStorage } from "../../src/log/storage.ts";
import { CoordinatorNode } from "../../src/node/coordinator_node.ts";
import { Random } from "../../src/simulation/random.ts";
import { SimulatedSealing } from "../../src/simulation/sealing.ts";
import { SimulatedTrust } from "../../src/simulation/trust.ts";

const network = "00".repeat(32);
const random = new Random(1);
const trust = new SimulatedTrust("coordinator", "coordinator", network, random);

const greetingOf = (name: string): Greeted => {
  const { introduction } = new SimulatedTrust(name, "participant", network, random);
  return { address: `${name}:1`, clock: new Map(), introduction };
};

Deno.test("CoordinatorNode refused for amnesia answers nobody, and names all who refuse it", async () => {
  let host: LinkHost | undefined;
  const sentTo: string[] = [];
  const closed: string[] = [];
  const links: LinkLayer = {
    listen: (at) => at,
    dial: () => {},
    hangUp: () => {},
    hurry: () => {},
    closeLink: (peer) => closed.push(peer),
    send: (peer) => sentTo.push(peer) > 0,
    close: () => Promise.resolve(),
  };
  const { promise: hasWaited, resolve: endWait } = Promise.withResolvers<void>();
  let nowMs = 0;
  const node = new CoordinatorNode({
    identity: { name: "coordinator", network },
    surroundings: {
      time: {
        wallMs: () => Date.UTC(2026, 0, 1) + nowMs,
        monotonicMs: () => nowMs++,
        sleep: () => hasWaited,
        every: () => () => {},
        nextPoll: () => new Promise((resolve) => setTimeout(resolve, 0)),
      },
      nonce: () => "ab".repeat(6),
      newPaymentId: () => {
        throw new Error("it pays nobody");
      },
      trust,
      sealing: new SimulatedSealing(trust.introduction),
      links: (of) => {
        host = of;
        return links;
      },
    },
    log: await Log.open(new MemoryStorage()),
    listen: { hostname: "coordinator", port: 1 },
    print: () => {},
  });
  await node.start();
  node.listen();
  host!.linkUp("alice", "participant", greetingOf("alice"));
  await node.status();
  assert(sentTo.includes("alice"));
  assertEquals(host!.objection("dave", "participant", greetingOf("dave")), undefined);

  assertEquals(node.hasLostEntries(), false);

  sentTo.length = 0;
  host!.amnesia("as bob says");
  assert(node.hasLostEntries());
  assertEquals(closed, ["alice"]);
  assertStringIncludes(node.whyNotReady() ?? "", "refuse it for amnesia");
  host!.linkUp("carol", "participant", greetingOf("carol"));
  assertEquals(closed, ["alice", "carol"]);
  await node.status();
  assertEquals(sentTo, []);
  const against = host!.objection("dave", "participant", greetingOf("dave"));
  assertStringIncludes(against ?? "", "is refused for amnesia");
  // What a peer sends is not even read.
  assertEquals(host!.received("alice", new Uint8Array(3)), false);

  host!.amnesia("as erin says");
  host!.amnesia("as bob says");
  endWait();
  const { message } = await assertRejects(() => node.failed, IntegrityError);
  assertEquals(message, "2 participants refuse this node\n  as bob says\n  as erin says");
  await node.stop();
});
