/** A payment id, or an idempotency key, pays once: however often it is sent, and across restarts. */

import { assert, assertEquals } from "@std/assert";
import { generate } from "@std/uuid/v7";
import { initCertificates } from "../../src/keys/init.ts";
import { KvStorage } from "../../src/log/kv_storage.ts";
import { Log } from "../../src/log/log.ts";
import type { NodeOptions, RunningNode } from "../../src/node/run.ts";
import { startNode } from "../../src/node/run.ts";
import type { Answer, Body } from "./cluster.ts";
import { Cluster, transfer, until } from "./cluster.ts";

const opening = 1_000_00;
const openings = { alice: ["main=1000.00:USD"], bob: ["main=1000.00:USD"] };
const sends = 100;
const yearMs = 365 * 24 * 60 * 60_000;

type Post = (body: unknown, headers?: Record<string, string>) => Promise<Answer>;

function sendAll(post: Post, body: unknown): Promise<Answer[]> {
  return Promise.all(Array.from({ length: sends }, () => post(body)));
}

/** How many answers had which status. */
function tally(answers: readonly Answer[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

Deno.test("a payment id pays once", async (t) => {
  await using cluster = await Cluster.make(openings);
  const post: Post = (body, headers) => cluster.node("alice").post("/v1/payments", body, headers);
  const balances = async () => {
    const [alice, bob] = [cluster.node("alice").account(), cluster.node("bob").account()];
    return [(await alice).posted, (await bob).posted];
  };
  const paid = (amount: number) => [opening - amount, opening + amount];
  const body = transfer("alice", "bob", 7_00, generate());
  const yearOld = transfer("alice", "bob", 5_00, generate(Date.now() - yearMs));
  const restart = async () => {
    for (const name of cluster.names.toReversed()) await cluster.node(name).kill();
    await cluster.startAll();
  };

  await t.step("sent a hundred times at once", async () => {
    assertEquals(tally(await sendAll(post, body)), { 201: 1, 200: sends - 1 });
    await until("both sides posted", async () => String(await balances()) === String(paid(7_00)));
  });

  await t.step("made a year ago and sent a hundred times at once", async () => {
    assertEquals(tally(await sendAll(post, yearOld)), { 201: 1, 200: sends - 1 });
    await until("both sides posted", async () => String(await balances()) === String(paid(12_00)));
  });

  await t.step("sent with another body it is refused", async () => {
    const { status, body: answer } = await post(transfer("alice", "bob", 7_01, body.id));
    assertEquals([status, answer.code], [422, "id_reused"]);
  });

  const key = (key: string) => ({ "Idempotency-Key": `"${key}"` });
  const keyed = transfer("alice", "bob", 3_00);
  const tooMuch = transfer("alice", "bob", 9_999_00);
  const first: { paid?: Answer; refused?: Answer } = {};

  await t.step("an idempotency key replays success and refusal", async () => {
    first.paid = await post(keyed, key("one"));
    first.refused = await post(tooMuch, key("two"));
    assertEquals(first.paid.status, 201);
    assertEquals([first.refused.status, first.refused.body.code], [422, "insufficient_funds"]);
    assertReplayed(await post(keyed, key("one")), first.paid);
    assertReplayed(await post(tooMuch, key("two")), first.refused);
    await until("both sides posted", async () => String(await balances()) === String(paid(15_00)));
  });

  const again = { ...keyed, id: first.paid!.body.id };
  const tooMuchAgain = { ...tooMuch, id: first.refused!.body.id };
  const assertKnown = async () => {
    for (const [body, state] of [[again, "committed"], [tooMuchAgain, "aborted"]] as const) {
      const { status, body: answer } = await post(body, key(`${state} before`));
      assertEquals([status, answer.id, answer.state], [200, body.id, state]);
    }
  };

  await t.step("an idempotency key for what was there before says so, however often", async () => {
    await assertKnown();
    await assertKnown();
  });

  await t.step("an idempotency key with another body is refused", async () => {
    const { status, body: answer } = await post(tooMuch, key("one"));
    assertEquals([status, answer.code], [422, "key_reused"]);
  });

  await t.step("all of it after every node lost its power", async () => {
    await restart();
    assertEquals(tally(await sendAll(post, body)), { 200: sends });
    assertEquals(tally(await sendAll(post, yearOld)), { 200: sends });
    assertReplayed(await post(keyed, key("one")), first.paid!);
    assertReplayed(await post(tooMuch, key("two")), first.refused!);
    await assertKnown();
    assertEquals((await post(tooMuch, key("one"))).body.code, "key_reused");
    assertEquals((await post(transfer("alice", "bob", 7_01, body.id))).body.code, "id_reused");
    assertEquals(await balances(), paid(15_00));
  });

  await cluster.stopAndVerify();
});

function assertReplayed(again: Answer, first: Answer): void {
  assertEquals(again.status, first.status);
  assertEquals([again.body.id, again.body.state], [first.body.id, first.body.state]);
}

Deno.test("an id that has left memory is looked up, and pays once", async () => {
  await using network = await SmallMemory.make();
  const post: Post = (body) => network.post(body);
  const gone = transfer("alice", "bob", 2, generate(Date.now() - yearMs));
  assertEquals((await post(gone)).status, 201);
  for (let round = 0; round < 10; round++) {
    const filler = Array.from({ length: 50 }, () => post(transfer("alice", "bob", 1)));
    assertEquals(tally(await Promise.all(filler)), { 201: 50 });
  }

  assertEquals(tally(await sendAll(post, gone)), { 200: sends });
  // Below the mark of what was evicted, so it has to be looked up, and is not there.
  const unseen = transfer("alice", "bob", 4, generate(Date.now() - yearMs));
  assertEquals(tally(await sendAll(post, unseen)), { 201: 1, 200: sends - 1 });

  const total = 2 + 10 * 50 + 4;
  await until("both sides posted", async () => await network.balance("bob") === opening + total);
  assertEquals(await network.balance("alice"), opening - total);

  await network.stop();
  for (const name of ["coordinator", "alice", "bob"]) {
    const log = await Log.open(await KvStorage.open(`${network.folder}/${name}/log.kv`));
    await log.replay(() => {});
    assert(log.mark > unseen.id!, `${name} had not forgotten the id`);
    log.close();
  }
});

/** A network within this process, whose nodes make checkpoints, and forget, all the time. */
class SmallMemory {
  private constructor(readonly folder: string, readonly nodes: Map<string, RunningNode>) {}

  static async make(): Promise<SmallMemory> {
    const folder = await Deno.makeTempDir({ prefix: "handfast-once-" });
    const certs = `${folder}/certs`;
    await initCertificates({ dir: certs, nodes: ["coordinator", "alice", "bob"] });
    const anywhere = { hostname: "127.0.0.1", port: 0 };
    const common = {
      certs,
      listen: anywhere,
      http: anywhere,
      serverName: "coordinator",
      logLevel: "error",
      checkpointRecords: 40,
    } as const;
    const network = new SmallMemory(folder, new Map());
    const start = async (options: Pick<NodeOptions, "role" | "name" | "server" | "open">) => {
      const data = `${folder}/${options.name}`;
      const running = await startNode({ ...common, ...options, data }, () => {});
      network.nodes.set(options.name!, running);
      return running;
    };
    const { listen } = await start({ role: "coordinator", name: "coordinator", open: [] });
    const server = { hostname: "127.0.0.1", port: Number(listen.split(":")[1]) };
    const open = [{ account: "main", amount: BigInt(opening), currency: "USD" }];
    for (const name of ["alice", "bob"]) {
      const { node } = await start({ role: "participant", name, server, open });
      await until(`${name} is ready`, () => node.isReady());
    }
    return network;
  }

  async post(body: unknown): Promise<Answer> {
    const { url, token } = this.nodes.get("alice")!;
    const response = await fetch(`${url}/v1/payments`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    });
    return {
      status: response.status,
      body: await response.json() as Body,
      headers: response.headers,
    };
  }

  async balance(name: string): Promise<number> {
    const { node } = this.nodes.get(name)!;
    assert(node.role === "participant");
    const [account] = await node.accounts();
    return Number(account!.posted);
  }

  async stop(): Promise<void> {
    const running = [...this.nodes.values()].toReversed();
    this.nodes.clear();
    for (const node of running) await node.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("what became of a payment is told in the same words, whenever and wherever", async (t) => {
  await using cluster = await Cluster.make(openings);
  const key = { "Idempotency-Key": "order-7" };
  const asked = [
    ["committed", transfer("alice", "bob", 7_00, generate()), {}],
    ["committed by its key", transfer("alice", "bob", 1_00), key],
    ["refused by alice", transfer("alice", "bob", 9_999_00, generate()), {}],
    ["refused by the coordinator", transfer("alice", "nobody", 1_00, generate()), {}],
  ] as const;
  for (const [what, body, headers] of asked) {
    await t.step(what, async () => {
      const post = () => cluster.node("alice").post("/v1/payments", body, headers);
      const first = await post();
      // A refusal is told as a problem first.
      const told = first.status === 201 || body.id === undefined ? first : await post();
      assert(told.status === 201 || told.status === 200, JSON.stringify(told.body));
      // Before what alice has been told is on her disk, perhaps.
      await cluster.node("alice").kill();
      await cluster.start("alice");
      await cluster.linked("alice");
      assertEquals((await post()).body, told.body);
      const get = async (name: string) =>
        (await cluster.node(name).get(`/v1/payments/${told.body.id}`)).body;
      assertEquals(await get("alice"), told.body);
      assertEquals((await get("coordinator")).at, told.body.at);
    });
  }
});

Deno.test("a payment that was answered pending is made, though its coordinator forgot it in a crash", async () => {
  await using cluster = await Cluster.make(openings);
  const [alice, coordinator] = [cluster.node("alice"), cluster.node("coordinator")];
  coordinator.signal("SIGSTOP");
  const { status, body } = await alice.post("/v1/payments?wait=0", transfer("alice", "bob", 7_00));
  assertEquals([status, body.state], [202, "pending"]);
  await coordinator.kill();
  await cluster.start("coordinator");
  await until("it is committed", async () => {
    return (await alice.get(`/v1/payments/${body.id}`)).body.state === "committed";
  });
});
