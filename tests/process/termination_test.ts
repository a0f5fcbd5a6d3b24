/**
 * Cooperative termination (Bernstein, Hadzilacos and Goodman, 7.4) between processes: the coordinator dies
 * for good with payments under way, and its participants end among themselves what any of them can end.
 */

import { assert, assertEquals } from "@std/assert";
import { generate } from "@std/uuid/v7";
import { inquiryIntervalMs } from "../../src/limits.ts";
import type { InDoubt } from "./cluster.ts";
import { Cluster, executable, transfer, until } from "./cluster.ts";

type Pair = [from: string, to: string];

const opening = 1_000_00;
const openings = {
  alice: ["main=1000.00:USD"],
  bob: ["main=1000.00:USD"],
  carol: ["main=1000.00:USD"],
};
const everyone = Object.keys(openings);
/** From when they can reach each other. */
const terminationMsMax = 5_000;

/** Alice pays one dollar to bob and one to carol. */
function payBoth(id: string) {
  const leg = (name: string, amount: number) => ({
    account: `main@${name}`,
    amount: String(amount),
    currency: "USD",
  });
  return { id, legs: [leg("alice", -2_00), leg("bob", 1_00), leg("carol", 1_00)] };
}

const paid: Readonly<Record<string, number>> = { alice: -2_00, bob: 1_00, carol: 1_00 };

/** Orders it at alice's node and does not wait for what becomes of it. */
async function order(cluster: Cluster, id: string): Promise<void> {
  const { status } = await cluster.node("alice").post("/v1/payments?wait=0", payBoth(id));
  assert(status === 202 || status === 201, `ordering is answered ${status}`);
}

/** Waits until all of these nodes have voted yes and don't know the decision. */
async function doubt(cluster: Cluster, ...names: string[]): Promise<void> {
  await Promise.all(
    names.map((name) =>
      until(`${name} is in doubt`, async () => (await cluster.node(name).inDoubt()).length > 0)
    ),
  );
}

/** Waits until nothing is in doubt at these nodes any more, and holds that to the time that it may take. */
async function terminate(cluster: Cluster, ...names: string[]): Promise<void> {
  const startMs = performance.now();
  await Promise.all(names.map((name) =>
    until(
      `nothing is in doubt at ${name}`,
      async () => (await cluster.node(name).inDoubt()).length === 0,
      terminationMsMax,
    )
  ));
  const tookMs = performance.now() - startMs;
  assert(tookMs < terminationMsMax, `it took ${tookMs} ms`);
}

async function assertBooks(cluster: Cluster, isPaid: boolean): Promise<void> {
  for (const name of everyone) {
    const { posted, pending } = await cluster.node(name).account();
    assertEquals([posted, pending], [opening + (isPaid ? paid[name]! : 0), 0], name);
    assertEquals((await cluster.node(name).get("/v1/status")).body.alarms, [], name);
  }
}

/** Pays; bob is killed before he posts, and the coordinator once the others have. */
async function paidWithoutBob(cluster: Cluster, beforehand = async () => {}): Promise<string> {
  const id = generate();
  await cluster.node("bob").terminate();
  const bob = await cluster.start("bob", { halt: "before:posted" });
  await cluster.linked(...everyone);
  await beforehand();
  await order(cluster, id);
  await bob.said("halted before posted");
  for (const name of ["alice", "carol"]) {
    await until(`${name} has posted`, async () => {
      return (await cluster.node(name).get(`/v1/payments/${id}`)).body.state === "committed";
    });
  }
  await bob.kill();
  await cluster.node("coordinator").kill();
  return id;
}

/** Stops the participants and checks all logs, that of the coordinator too, which runs no more. */
async function stopAndVerify(cluster: Cluster): Promise<void> {
  const codes = await Promise.all(everyone.map((name) => cluster.node(name).terminate()));
  assertEquals(codes, everyone.map(() => 0));
  const dirs = cluster.names.flatMap((name) => ["--data", cluster.data(name)]);
  const { code, stdout, stderr } = await cluster.run("verify", ...dirs);
  assertEquals(code, 0, stdout + stderr);
}

Deno.test({
  name: "one that knows the commit tells it to one that died before it could post it",
  ignore: executable !== undefined,
  fn: async () => {
    await using cluster = await Cluster.make(openings);
    const id = await paidWithoutBob(cluster);

    await cluster.startAlone("bob");
    await terminate(cluster, ...everyone);
    assertEquals((await cluster.node("bob").get(`/v1/payments/${id}`)).body.state, "committed");
    await assertBooks(cluster, true);
    await stopAndVerify(cluster);
  },
});

Deno.test({
  name: "one that knows the commit tells it while the coordinator is linked, but has lost its log",
  ignore: executable !== undefined,
  fn: async () => {
    await using cluster = await Cluster.make(openings);
    await paidWithoutBob(cluster);
    await Deno.remove(cluster.data("coordinator"), { recursive: true });
    const readmit = async (name: string) => {
      const line = ["readmit", "coordinator", "--yes", "--data", cluster.data(name)];
      const { code, stderr } = await cluster.run(...line);
      assertEquals(code, 0, stderr);
      await cluster.node(name).terminate();
    };
    await readmit("alice");
    await readmit("carol");
    await cluster.startAlone("bob");
    await readmit("bob");

    await cluster.start("coordinator");
    for (const name of ["bob", "alice", "carol"]) await cluster.start(name);
    await cluster.linked(...everyone);
    await cluster.node("coordinator").said(
      "asks about transactions of before this log lost entries",
    );
    await until("bob is told", async () => (await cluster.node("bob").inDoubt()).length === 0);
    await assertBooks(cluster, true);
    await cluster.node("coordinator").terminate();
    await stopAndVerify(cluster);
  },
});

Deno.test({
  name: "a coordinator with an old copy of its log presumes no abort of what it may have committed",
  ignore: executable !== undefined,
  fn: async () => {
    await using cluster = await Cluster.make(openings);
    const data = cluster.data("coordinator");
    const files = new Map<string, Uint8Array>();
    // In the same start in which the payment is made, and with nothing under way.
    const id = await paidWithoutBob(cluster, async () => {
      for await (const { name, isFile } of Deno.readDir(data)) {
        const isKept = isFile && !name.endsWith("-shm");
        if (isKept) files.set(name, await Deno.readFile(`${data}/${name}`));
      }
    });
    await cluster.node("alice").terminate();
    await cluster.node("carol").terminate();

    await Deno.remove(data, { recursive: true });
    await Deno.mkdir(data);
    for (const [name, bytes] of files) await Deno.writeFile(`${data}/${name}`, bytes);
    const refused = await cluster.start("coordinator");
    // Bob has seen nothing of what is lost, and is not told before those who have can have dialled.
    const bob = await cluster.start("bob");
    await new Promise((resolve) => setTimeout(resolve, inquiryIntervalMs));
    assertEquals((await bob.inDoubt()).length, 1);
    // At once: with nobody else about, he would be told in some seconds.
    await bob.kill();
    await cluster.spawn("alice");
    await refused.ended();
    const line = ["readmit", "coordinator", "--yes", "--data", cluster.data("alice")];
    const { code, stderr } = await cluster.run(...line);
    assertEquals(code, 0, stderr);
    await cluster.node("alice").terminate();

    await cluster.start("coordinator");
    await cluster.start("bob");
    await cluster.node("coordinator").said(
      "asks about transactions of before this log lost entries",
    );
    assertEquals((await cluster.node("bob").inDoubt()).length, 1);
    await cluster.start("alice");
    await until("bob is told", async () => (await cluster.node("bob").inDoubt()).length === 0);
    assertEquals((await cluster.node("bob").get(`/v1/payments/${id}`)).body.state, "committed");
  },
});

Deno.test({
  name: "one that knows the abort tells it to one that died before it could release",
  ignore: executable !== undefined,
  fn: async () => {
    await using cluster = await Cluster.make(openings);
    const id = generate();
    await cluster.node("bob").terminate();
    const bob = await cluster.start("bob", { halt: "before:released" });
    await cluster.linked(...everyone);
    // Without her vote the coordinator gives the payment up.
    await cluster.node("carol").kill();
    await order(cluster, id);
    await bob.said("halted before released");
    await until("alice has released", async () => {
      return (await cluster.node("alice").get(`/v1/payments/${id}`)).body.state === "aborted";
    });
    await bob.kill();
    await cluster.node("coordinator").kill();

    await cluster.startAlone("bob");
    await terminate(cluster, "bob");
    const { body } = await cluster.node("bob").get(`/v1/payments/${id}`);
    assertEquals([body.state, body.code], ["aborted", "participant_unreachable"]);
    await cluster.startAlone("carol");
    await assertBooks(cluster, false);
    await stopAndVerify(cluster);
  },
});

Deno.test({
  name: "one that has not voted refuses, and the others abort",
  ignore: executable !== undefined,
  fn: async () => {
    await using cluster = await Cluster.make(openings);
    const id = generate();
    // It can't say that it gave up before it dies, however slow this machine is.
    await cluster.node("coordinator").terminate();
    await cluster.start("coordinator", { halt: "before:aborted" });
    await cluster.linked(...everyone);
    const listen = await cluster.node("carol").address();
    await cluster.node("carol").terminate();
    await cluster.startAlone("carol", { listen });
    await order(cluster, id);
    await doubt(cluster, "alice", "bob");

    await cluster.node("coordinator").kill();
    await terminate(cluster, ...everyone);
    await assertBooks(cluster, false);
    await stopAndVerify(cluster);
  },
});

/** A payment whose commit only the coordinator's disk holds; all three are in doubt, and it is dead. */
async function leaveAllInDoubt(cluster: Cluster, id: string): Promise<void> {
  await cluster.node("coordinator").terminate();
  const coordinator = await cluster.start("coordinator", { halt: "after:committed" });
  await cluster.linked(...everyone);
  await order(cluster, id);
  await coordinator.said("halted after committed");
  await doubt(cluster, ...everyone);
  await coordinator.kill();
}

Deno.test({
  name: "while all are in doubt all wait, and say what they hold since when",
  ignore: executable !== undefined,
  fn: async (t) => {
    await using cluster = await Cluster.make(openings);
    const id = generate();
    const beforeMs = performance.now();
    await leaveAllInDoubt(cluster, id);
    const sinceMs = performance.now();

    await t.step("each lists it, its age and whom it can't ask", async () => {
      for (const name of everyone) {
        const { transaction, age, ...view } = await until(
          `${name} has asked its peers`,
          async () => {
            const [view] = await cluster.node(name).inDoubt();
            return view?.unreachable.length === 1 && view;
          },
        );
        assertEquals(view, {
          payment: id,
          participants: everyone,
          unreachable: ["coordinator"],
          held: [{ account: `main@${name}`, amount: String(paid[name]), currency: "USD" }],
        });
        assert(transaction !== "" && age >= 0);
      }
    });

    await t.step("they still wait when they have asked each other several times", async () => {
      const waitMs = terminationMsMax + inquiryIntervalMs;
      await new Promise((resolve) => setTimeout(resolve, sinceMs + waitMs - performance.now()));
      for (const name of everyone) {
        const [view] = await cluster.node(name).inDoubt() as readonly [InDoubt];
        assertEquals([view.payment, view.unreachable], [id, ["coordinator"]]);
        const ageMax = (performance.now() - beforeMs) / 1000;
        assert(view.age >= Math.floor(waitMs / 1000) && view.age <= ageMax, `${view.age} s`);
        const { posted, pending } = await cluster.node(name).account();
        assertEquals([posted, pending], [opening, Math.abs(paid[name]!)], name);
        assertEquals((await cluster.node(name).get("/v1/status")).body.alarms, [], name);
      }
    });

    await t.step("they were right to wait: the coordinator comes back after all", async () => {
      await cluster.start("coordinator");
      await cluster.linked(...everyone);
      await terminate(cluster, ...everyone);
      await assertBooks(cluster, true);
    });
    await cluster.stopAndVerify();
  },
});

Deno.test("of many payments under way only those stay in doubt that all are in doubt about", async () => {
  await using cluster = await Cluster.make(openings);
  let isOver = false;
  let paidCount = 0;
  const clients = Array.from({ length: 60 }, async (_, i) => {
    const [from, to] = [i, i + 1 + i % 2].map((at) => everyone[at % everyone.length]!) as Pair;
    while (!isOver) {
      const payment = transfer(from, to, 1);
      const { body } = await cluster.node(from).post("/v1/payments?wait=1", payment);
      if (body.state === "committed") paidCount++;
    }
  });
  await until("some payments", () => paidCount > 50);
  await cluster.node("coordinator").kill();
  isOver = true;

  await until("one view of what is in doubt", async () => {
    const lists = new Map<string, readonly InDoubt[]>();
    for (const name of everyone) lists.set(name, await cluster.node(name).inDoubt());
    return [...lists.values()].flat().every(({ transaction, participants }) =>
      participants.every((name) => lists.get(name)!.some((own) => own.transaction === transaction))
    );
  }, terminationMsMax);
  await Promise.all(clients);
  for (const name of everyone) {
    assertEquals((await cluster.node(name).get("/v1/status")).body.alarms, [], name);
  }
  await stopAndVerify(cluster);
});
