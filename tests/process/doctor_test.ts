/** What `doctor` at the coordinator says of a participant that is not linked. */

import { assertEquals, assertMatch } from "@std/assert";
import { Cluster, until } from "./cluster.ts";

Deno.test("doctor fails a participant whose port answers without a link, and warns of one stopped", async () => {
  await using cluster = await Cluster.make({ alice: [], bob: [] });
  const address = await cluster.node("bob").address();
  const [hostname = "", port] = address.split(":");
  await cluster.node("bob").kill();
  const hub = cluster.node("coordinator");
  await until("bob is missed", async () => {
    const { peers } = (await hub.get("/v1/status")).body as unknown as {
      peers: readonly { readonly name: string; readonly link: string }[];
    };
    return peers.find(({ name }) => name === "bob")?.link === "down";
  });
  const doctor = () => cluster.run("doctor", "--certs", cluster.certs, "--data", hub.data);

  const stopped = await doctor();
  assertEquals(stopped.code, 0, stopped.stdout);
  assertMatch(stopped.stdout, /warn coordinator to bob: .* does not answer/);
  {
    using _other = Deno.listen({ hostname, port: Number(port) });
    const { code, stdout } = await doctor();
    assertEquals(code, 1, stdout);
    const said =
      /fail coordinator to bob: .* takes connections, but the link is down: bob can't pay/;
    assertMatch(stdout, said);
    assertMatch(stdout, /ok {3}coordinator to alice: linked/);
  }
});
