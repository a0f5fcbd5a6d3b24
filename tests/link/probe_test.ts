/** What a look from outside says of whoever answers, and what it leaves in that one's log. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { formatEndpoint } from "../../src/endpoint.ts";
import { probe } from "../../src/link/probe.ts";
import { makeNetwork, withEnds } from "./network.ts";

const { coordinator, second, alice } = await makeNetwork();
const stranger = await makeNetwork();
const expected = { name: "coordinator", role: "coordinator", caPem: alice.caPem } as const;

Deno.test("probe() finds nothing against the node expected, which calls it a look", async () => {
  await withEnds(async (make) => {
    const { address, host } = make(coordinator, { listen: 0 });
    assertEquals(await probe({ ...expected, address }), undefined);
    assertStringIncludes(await host.line("no link with 127.0.0.1"), "the other end closed");
    assertEquals(host.levels, ["info"]);
    assertEquals(host.events, []);
  });
});

const rows = [
  [coordinator, { caPem: stranger.alice.caPem }, "no TLS with", "wrong_network"],
  [second, {}, "no TLS with", "wrong_name"],
  [coordinator, { role: "participant" }, "refused", "wrong_role"],
] as const;
for (const [who, otherwise, what, code] of rows) {
  Deno.test(`probe() gives a node's reason where it is ${code}`, async () => {
    await withEnds(async (make) => {
      const { address } = make(who, { listen: 0 });
      const line = await probe({ ...expected, address, ...otherwise });
      assertStringIncludes(line!, `${what} "coordinator" at ${address}: ${code}: `);
    });
  });
}

Deno.test("probe() knows the HTTP port by its lack of TLS", async () => {
  const onListen = () => {};
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen },
    () => new Response(),
  );
  const line = await probe({ ...expected, address: formatEndpoint(server.addr) });
  assertStringIncludes(line!, "garbage: ");
  assertStringIncludes(line!, "is it the HTTP port?");
});

Deno.test("probe() takes an HTTPS server with the node's certificate for no node", async () => {
  const { certPem: cert, keyPem: key } = coordinator;
  const options = { port: 0, hostname: "127.0.0.1", onListen: () => {}, cert, key };
  const server = Deno.serve(options, () => new Response());
  const address = formatEndpoint(server.addr);
  const line = await probe({ ...expected, address, timeoutMs: 300 });
  assertStringIncludes(line!, "handshake_timeout: no answer of a node within 300 ms");
  await server.shutdown();
});

Deno.test("probe() waits only so long for one who takes the connection and says nothing", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  const address = formatEndpoint(listener.addr);
  const line = await probe({ ...expected, address, timeoutMs: 300 });
  assertStringIncludes(line!, "handshake_timeout: no answer of a node within 300 ms");
  (await accepted).close();
});

Deno.test("probe() says that nobody listens", async () => {
  const line = await probe({ ...expected, address: "127.0.0.1:1" });
  assertStringIncludes(line!, 'no link with "coordinator" at 127.0.0.1:1: ');
});
