/** A node that comes back without entries its peers have seen is refused until they readmit it. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { KvStorage } from "../../src/log/kv_storage.ts";
import { Log } from "../../src/log/log.ts";
import type { Node } from "./cluster.ts";
import { Cluster, transfer, until } from "./cluster.ts";

const openings = { alice: ["main=1000.00:USD"], bob: ["main=1000.00:USD"] };
const restarts = 3;

Deno.test("a participant put back by one entry is refused until it is readmitted", async (t) => {
  await using cluster = await Cluster.make(openings);
  const copy = `${cluster.folder}/alice-before`;
  let seen = 0;
  await pay(cluster);
  await quiet(cluster, "alice", "coordinator");

  await t.step("a copy of its folder, taken one entry ago", async () => {
    await copyFolder(cluster.data("alice"), copy);
    const opened = await cluster.node("alice").post("/v1/accounts", {
      account: "late",
      currency: "USD",
    });
    assertEquals(opened.status, 201);
    await quiet(cluster, "alice", "coordinator");
    await cluster.node("alice").kill();
    assertEquals(await headOf(copy) + 1, await headOf(cluster.data("alice")));
    seen = await headOf(cluster.data("alice"));
    await putBack(copy, cluster.data("alice"));
  });

  for (let restart = 1; restart <= restarts; restart++) {
    await t.step(`refused at start ${restart}`, async () => {
      const node = await cluster.spawn("alice");
      await assertRefused(node, "handfast readmit alice --yes");
      const ends = await headOf(cluster.data("alice"));
      assertMatch(node.stderr, new RegExp(`ends at entry ${ends}, so these books lack .* since`));
    });
  }

  await t.step("the coordinator and bob go on", async () => {
    await cluster.linked("bob");
    assertEquals((await cluster.node("coordinator").get("/healthz")).status, 200);
  });

  await t.step("readmitted it is taken back, and pays", async () => {
    const readmitted = await cluster.run(
      "readmit",
      "alice",
      "--yes",
      "--data",
      cluster.data("coordinator"),
    );
    assertEquals(readmitted.code, 0, readmitted.stderr);
    const [, lacks, payments] = readmitted.stdout.split("\n");
    assertMatch(lacks!, new RegExp(`^alice was seen up to entry ${seen} of its log, .*: it lacks`));
    assertMatch(
      payments!,
      /^no payment that alice may lack was found by what it tells of itself, which need not be all/,
    );
    await cluster.start("alice");
    await pay(cluster);
    const again = ["readmit", "alice", "--yes", "--data", cluster.data("coordinator")];
    const { code, stderr } = await cluster.run(...again);
    assertEquals(code, 1);
    assertStringIncludes(
      stderr,
      '"alice" is linked to coordinator, which has nothing to take back',
    );
  });

  await t.step("and once more the whole network restarts without complaint", async () => {
    for (const name of cluster.names) await cluster.node(name).kill();
    await cluster.startAll();
    await pay(cluster);
  });
});

Deno.test("the payments that a restored ledger lacks are told to who readmits it, and raised there", async () => {
  await using cluster = await Cluster.make(openings);
  const copy = `${cluster.folder}/alice-before`;
  await pay(cluster);
  await quiet(cluster, "alice", "coordinator");
  await copyFolder(cluster.data("alice"), copy);
  const { body } = await cluster.node("alice").post("/v1/payments", transfer("alice", "bob", 2));
  for (let i = 0; i < 4; i++) await pay(cluster);
  // One in which alice has no part.
  await cluster.node("bob").post("/v1/payments", transfer("bob", "nobody", 1));
  await quiet(cluster, "alice", "coordinator");
  await cluster.node("alice").kill();
  await putBack(copy, cluster.data("alice"));
  await assertRefused(await cluster.spawn("alice"), "A lost data folder");
  const where = ["--data", cluster.data("coordinator")];
  const { stdout } = await cluster.run("readmit", "alice", "--yes", ...where);
  assertMatch(stdout, /, 5 payments of alice were committed here .* --limit 6 --data /);

  const { id } = body as { readonly id: string };
  await cluster.start("alice");
  await cluster.node("alice").said("of this node's own log. Here the log ends at entry");
  const again = await cluster.node("alice").post("/v1/payments", transfer("alice", "bob", 2, id));
  assertEquals([again.status, again.body.state], [200, "committed"]);
  await cluster.node("alice").said(`ALARM: payment ${id} is committed`);
  const asked = await cluster.node("alice").get(`/v1/payments/${id}`);
  assertEquals([asked.status, asked.body.state], [404, "committed"]);
});

Deno.test("a coordinator put back by one entry is refused by its participants", async (t) => {
  await using cluster = await Cluster.make(openings);
  const copy = `${cluster.folder}/coordinator-before`;
  await pay(cluster);
  await quiet(cluster, "coordinator", "alice", "bob");

  await t.step("a copy of its folder, taken one entry ago", async () => {
    await copyFolder(cluster.data("coordinator"), copy);
    const refused = await cluster.node("alice").post(
      "/v1/payments",
      transfer("alice", "nobody", 1),
    );
    assertEquals(refused.body.code, "participant_unknown");
    await quiet(cluster, "coordinator", "alice", "bob");
    await cluster.node("coordinator").kill();
    assertEquals(await headOf(copy) + 1, await headOf(cluster.data("coordinator")));
    await putBack(copy, cluster.data("coordinator"));
  });

  await t.step("one start names both that refuse it", async () => {
    const node = await cluster.spawn("coordinator");
    await assertRefused(node, "handfast readmit coordinator --yes");
    const [, end = ""] = node.stderr.split("handfast: 2 participants refuse this node\n");
    for (const name of ["alice", "bob"]) {
      assertStringIncludes(end, `--yes, run on "${name}"`);
      const { body } = await cluster.node(name).get("/readyz");
      assertStringIncludes(String(body.detail), 'is refused until "handfast readmit coordinator"');
    }
  });

  await t.step("readmitted by alice alone it is still refused", async () => {
    await readmit(cluster, "alice");
    const node = await cluster.spawn("coordinator");
    await assertRefused(node, '--yes, run on "bob"');
    assertEquals(node.stderr.includes('run on "alice"'), false, node.stderr);
  });

  await t.step("told to stop meanwhile it says why it is refused all the same", async () => {
    const node = await cluster.spawn("coordinator");
    await node.said("hears until then who else refuses it");
    const alice = cluster.node("alice");
    await until(
      "alice has no link",
      async () => (await alice.get("/readyz")).status === 503,
      2_000,
    );
    const { status, body } = await alice.post("/v1/payments", transfer("alice", "bob", 1));
    assertEquals([status, body.code], [503, "coordinator_unreachable"]);
    node.signal("SIGTERM");
    await assertRefused(node, '--yes, run on "bob"');
  });

  await t.step("readmitted by bob too it is taken back, and pays", async () => {
    await readmit(cluster, "bob");
    await cluster.start("coordinator");
    await cluster.linked("alice", "bob");
    await pay(cluster);
  });
});

Deno.test("a copy run beside its original is refused, and the original goes on", async () => {
  await using cluster = await Cluster.make(openings);
  const original = cluster.node("alice");
  await pay(cluster);
  await quiet(cluster, "alice", "coordinator");
  const data = `${cluster.folder}/alice-twin`;
  await copyFolder(cluster.data("alice"), data);

  await assertRefused(await cluster.spawn("alice", { data }), "alice");

  assertEquals(original.hasEnded, false);
  const { body } = await original.post("/v1/payments", transfer("alice", "bob", 1));
  assertEquals(body.state, "committed");
});

async function pay(cluster: Cluster): Promise<void> {
  const { body } = await cluster.node("alice").post(
    "/v1/payments",
    transfer("alice", "bob", 1),
  );
  assertEquals(body.state, "committed");
}

/** Waits until `peers` have seen all that a node has, and it has nothing more to store. */
async function quiet(cluster: Cluster, name: string, ...peers: string[]): Promise<void> {
  const clockOf = async (of: string) => (await cluster.node(of).get("/v1/status")).body.clock ?? {};
  let last = -1;
  let unchanged = 0;
  await until(`${name} is quiet`, async () => {
    const number = (await clockOf(name))[name] ?? 0;
    const clocks = await Promise.all(peers.map(clockOf));
    const isSeen = clocks.every((clock) => clock[name] === number);
    unchanged = isSeen && number === last ? unchanged + 1 : 0;
    last = number;
    // Records that could wait are stored with the next tick, so one look tells too little.
    return unchanged > 15;
  });
}

async function readmit(cluster: Cluster, name: string): Promise<void> {
  const data = cluster.data(name);
  const { code, stderr } = await cluster.run("readmit", "coordinator", "--yes", "--data", data);
  assertEquals(code, 0, stderr);
}

async function assertRefused(node: Node, words: string): Promise<void> {
  assertEquals(await node.ended(), 1, node.stderr);
  assertStringIncludes(node.stderr, words);
}

async function headOf(data: string): Promise<number> {
  const log = await Log.open(await KvStorage.open(`${data}/log.kv`));
  log.close();
  return log.head.number;
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { mode: 0o700 });
  for await (const { name } of Deno.readDir(from)) {
    await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

async function putBack(copy: string, data: string): Promise<void> {
  await Deno.remove(data, { recursive: true });
  await Deno.rename(copy, data);
}
