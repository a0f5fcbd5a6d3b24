/** A participant that has left keeps what it was last told open, and the coordinator says so. */

import { assertEquals, assertMatch } from "@std/assert";
import { Cluster, executable, transfer, until } from "./cluster.ts";

interface Open {
  readonly payments: readonly {
    readonly id: string;
    readonly state: string;
    readonly transaction: string;
    readonly open: { readonly waitingFor: readonly string[]; readonly since: string };
  }[];
}

interface Status {
  readonly unacknowledged: readonly { readonly participant: string; readonly payments: number }[];
}

Deno.test({
  name: "what a participant leaves open is listed, since when, and by whom",
  // An executable, which is made for real money, halts nowhere.
  ignore: executable !== undefined,
  fn: async () => {
    await using cluster = await Cluster.make({
      alice: ["main=10.00:USD"],
      bob: ["main=0.00:USD"],
    });
    await cluster.node("bob").terminate();
    await cluster.start("bob", { halt: "before:posted" });
    await cluster.linked("alice", "bob");
    const payment = transfer("alice", "bob", 1_00);
    const paid = await cluster.node("alice").post("/v1/payments", payment);
    assertEquals(paid.status, 201);
    await cluster.node("bob").kill();

    const hub = cluster.node("coordinator");
    const open = async () => (await hub.get("/v1/payments?open=true")).body as unknown as Open;
    const left = await until("alice has acknowledged", async () => {
      const { payments: [left, ...others] } = await open();
      assertEquals(others, []);
      return left?.open.waitingFor.length === 1 && left;
    });
    assertEquals(left.open, { waitingFor: ["bob"], since: paid.body.at! });
    assertEquals([left.state, left.transaction], ["committed", paid.body.transaction!]);
    const { unacknowledged } = await until("the status tells of it", async () => {
      const found = (await hub.get("/v1/status")).body as unknown as Status;
      return found.unacknowledged.length > 0 && found;
    });
    assertEquals(unacknowledged.map(({ participant, payments }) => [participant, payments]), [
      ["bob", 1],
    ]);
    const { stdout } = await cluster.run("payments", "--open", "--data", hub.data);
    assertMatch(stdout, new RegExp(`\\tcommitted\\t1\\.00 USD .*\\t${left.id}\\tack of bob\\n`));

    // Without his vote the next one is being voted on.
    const { body } = await cluster.node("alice").post(
      "/v1/payments?wait=0",
      transfer("alice", "bob", 2_00),
    );
    const voted = await until("it is voted on", async () => (await open()).payments[1]);
    assertEquals([voted.id, voted.state], [body.id, "pending"]);
    assertEquals(voted.open.waitingFor.includes("bob"), true);

    await cluster.start("bob");
    await until("bob has acknowledged", async () => (await open()).payments.length === 0);
    assertEquals(((await hub.get("/v1/status")).body as unknown as Status).unacknowledged, []);
  },
});
