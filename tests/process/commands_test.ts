/** The commands as a person types them, by their exit codes and what they say. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { generate } from "@std/uuid/v7";
import { readAuthority } from "../../src/keys/certificate.ts";
import type { Node, Result } from "./cluster.ts";
import { Cluster, executable, until } from "./cluster.ts";

const openings = { alice: ["main=1000.00:USD"], bob: ["main=500.00:USD"] };

function assertExit({ code, stdout, stderr }: Result, expected: number, words: string): void {
  assertEquals(code, expected, stdout + stderr);
  assertStringIncludes(stdout + stderr, words);
}

/** How a process that is to end by itself ended. */
async function ended(node: Node): Promise<Result> {
  const code = await node.ended();
  return { code, stdout: node.stdout, stderr: node.stderr };
}

Deno.test("a network from nothing: init, three nodes, a payment", async (t) => {
  await using cluster = await Cluster.make(openings, false);
  const { folder } = cluster;
  const run = (line: string) => cluster.run(...line.split(" "));
  const begin = (name: string, line: string) => {
    const args = `${line} --certs mine --listen 127.0.0.1:0 --http 127.0.0.1:0 --no-input`;
    return cluster.spawnWith(name, cluster.data(name), args.split(" "));
  };

  await t.step("init makes a CA and certificates once", async () => {
    const line = "init --certs mine --nodes coordinator,alice,bob";
    assertExit(await run(line), 0, "made a CA in mine");
    for (const name of ["ca", "coordinator", "alice", "bob"]) {
      assertEquals(await modeOf(`${folder}/mine/${name}.key`), 0o600);
      assertStringIncludes(await Deno.readTextFile(`${folder}/mine/${name}.pem`), "CERTIFICATE");
    }
    const again = await run(line);
    assert(again.code === 1 || again.code === 2, again.stderr);
    assertStringIncludes(again.stderr, "--force");
  });

  const coordinator = begin("coordinator", "--role=server --name coordinator");
  const readyPattern =
    /^ready name=(\S+) role=(server|client) listen=(127\.0\.0\.1:\d+) http=(http:\/\/127\.0\.0\.1:\d+)$/;
  const [, , , server = ""] = readyPattern.exec(await coordinator.ready()) ?? [];
  const client = `--role=client --server ${server} --open main=1000.00:USD --name`;
  const [alice, bob] = [begin("alice", `${client} alice`), begin("bob", `${client} bob`)];

  await t.step("a node says that it is ready, in one line and nothing else", async () => {
    for (const node of [coordinator, alice, bob]) {
      const [, name, role, listen, http] = readyPattern.exec(await node.ready()) ?? [];
      assertEquals([name, role], [node.name, node === coordinator ? "server" : "client"]);
      assert(listen && http);
      assertEquals(node.stdout.trimEnd().split("\n").length, 1);
      const api = JSON.parse(await Deno.readTextFile(`${node.data}/api.json`));
      assertEquals(api, { url: http });
      for (const file of ["token", "token.read", "log.kv", "log.kv-wal"]) {
        assertEquals(await modeOf(`${node.data}/${file}`), 0o600, file);
      }
      assertEquals(await modeOf(node.data), 0o700);
    }
  });

  await t.step("pay exits 0 and both balances change", async () => {
    const paid = await run("pay --name alice --to main@bob --amount 125.00 --currency USD");
    assertExit(paid, 0, "committed");
    assertMatch(paid.stderr, /^payment [0-9a-f-]{36}$/m);
    assertExit(await run("balance --name alice"), 0, "875.00 USD");
    await until("bob posts", async () => (await bob.account()).posted === 1125_00);
    assertExit(await run("balance --name bob"), 0, "1,125.00 USD");
    const id = /[0-9a-f-]{36}/.exec(paid.stderr)![0];
    for (const name of ["alice", "bob", "coordinator"]) {
      assertExit(await run(`payment ${id} --name ${name}`), 0, "committed");
    }
  });

  await t.step("status tells which links there are, and which are not needed", async () => {
    const ofAlice = await run("status --name alice");
    assertExit(ofAlice, 0, "peer coordinator\tlink up");
    assertStringIncludes(ofAlice.stdout, "peer bob\tno link needed");
    assertExit(await run("status --name coordinator"), 0, "peer bob\tlink up");
  });

  await t.step("verify refuses the folder of a running node", async () => {
    assertExit(await run("verify --data data/alice"), 1, "in use");
  });

  await t.step("a second node on the same data folder exits 1", async () => {
    const second = begin("alice", `${client} alice`);
    assertExit(await ended(second), 1, "in use");
    assertEquals(alice.hasEnded, false);
  });

  await t.step("SIGTERM, SIGHUP and SIGINT stop a node with exit 0", async () => {
    assertEquals(await alice.terminate(), 0);
    // As from a terminal that is closed.
    bob.signal("SIGHUP");
    assertEquals(await bob.ended(), 0);
    coordinator.signal("SIGINT");
    assertEquals(await coordinator.ended(), 0);
    for (const { data } of [alice, bob, coordinator]) await assertMissing(`${data}/api.json`);
  });

  await t.step("nodes go on whose lines can't be written", async () => {
    const line = "--certs mine --http 127.0.0.1:0 --no-input";
    const beginSilent = (name: string, flags: string) => {
      const shell = 'exec "$@" >/dev/full 2>/dev/full';
      const args = `${flags} ${line}`.split(" ");
      return cluster.spawnWith(name, cluster.data(name), args, { shell });
    };
    const silent = [
      beginSilent("coordinator", `--role=server --name coordinator --listen ${server}`),
      beginSilent("alice", `--listen 127.0.0.1:0 ${client} alice`),
      beginSilent("bob", `--listen 127.0.0.1:0 ${client} bob`),
    ];
    const pay = "pay --name alice --to main@bob --amount 1.00 --currency USD";
    await until("alice pays", async () => (await run(pay)).code === 0);
    for (const node of silent.reverse()) assertEquals(await node.terminate(), 0);
  });

  await t.step("verify passes them", async () => {
    const line = "verify --data data/coordinator --data data/alice --data data/bob";
    assertExit(await run(line), 0, "");
    const verified = await run(`${line} --ca mine/ca.pem`);
    assertExit(verified, 0, "no violation found");
    const { network } = readAuthority(await Deno.readTextFile(`${folder}/mine/ca.pem`));
    assertEquals(verified.stdout.split("\n")[0], `network ${network}`);
    const { stdout, code } = await run(`${line} --ca ${cluster.certs}/ca.pem --json`);
    const report = JSON.parse(stdout);
    assertEquals([code, report.network, report.violations.length], [5, network, 3]);
    assertExit(await run(`${line} --ca mine/ca.key`), 2, '--ca "mine/ca.key" is no certificate');
  });
});

Deno.test("a node that has no file descriptor left goes on, and takes connections again", async () => {
  await using cluster = await Cluster.make(openings, false);
  const args =
    "--role=server --name coordinator --listen 127.0.0.1:0 --http 127.0.0.1:0 --no-input";
  const node = cluster.spawnWith(
    "coordinator",
    cluster.data("coordinator"),
    [...args.split(" "), "--certs", cluster.certs],
    { shell: 'ulimit -n 128 && exec "$@"' },
  );
  const ready = await node.ready();
  const { hostname, port } = new URL(/http=(\S+)/.exec(ready)![1]!);
  const at = { hostname, port: Number(port) };
  const connecting = Array.from({ length: 200 }, () => Deno.connect(at));
  const connections = await Promise.allSettled(connecting);
  // Refused, or never taken.
  await until("all are used", () => [...Deno.readDirSync(`/proc/${node.pid}/fd`)].length >= 110);
  for (const made of connections) if (made.status === "fulfilled") made.value.close();
  await until("it answers", async () => {
    const response = await fetch(`http://${hostname}:${port}/healthz`).catch(() => undefined);
    await response?.body?.cancel();
    return response?.status === 200;
  });
  assertEquals(await node.terminate(), 0);
});

Deno.test("pay tells apart what certainly failed from what is unknown", async (t) => {
  await using cluster = await Cluster.make(openings);
  const balance = async () => (await cluster.node("alice").account()).posted;

  await t.step("more than there is: aborted", async () => {
    assertExit(await cluster.pay("alice", "bob", "1000.01"), 3, "insufficient_funds");
  });

  await t.step("a participant that nobody knows: aborted", async () => {
    assertExit(await cluster.pay("alice", "nobody", "1.00"), 3, "participant_unknown");
  });

  await t.step("an account that does not exist: aborted", async () => {
    assertExit(await cluster.pay("alice", "savings@bob", "1.00"), 3, "account_not_found");
  });

  await t.step("a participant that is stopped: aborted, within seconds", async () => {
    assertEquals(await cluster.node("bob").terminate(), 0);
    const startMs = performance.now();
    assertExit(await cluster.pay("alice", "bob", "1.00"), 3, "participant_unreachable");
    assert(performance.now() - startMs < 6_000);
    await cluster.start("bob");
  });

  const id = generate();
  await t.step("a coordinator that dies underway: unknown", async () => {
    // Its link is up and it answers nothing: the order has left, whatever becomes of it.
    cluster.node("coordinator").signal("SIGSTOP");
    const paying = cluster.pay("alice", "bob", "1.00", "--id", id, "--wait", "2");
    await until("the payment is under way", async () => {
      return (await cluster.node("alice").get(`/v1/payments/${id}`)).body.state === "pending";
    });
    await cluster.node("coordinator").kill();
    const { code, stderr } = await paying;
    assertEquals(code, 4, stderr);
    assertStringIncludes(stderr, id);
  });

  await t.step("a coordinator that is stopped: not sent, so failed", async () => {
    assertExit(await cluster.pay("alice", "bob", "1.00"), 1, "coordinator_unreachable");
  });

  await t.step("what was unknown is paid once by its id", async () => {
    // Alice may well pay it before it is sent again.
    const before = await balance();
    await cluster.start("coordinator");
    await cluster.linked("alice", "bob");
    for (let send = 0; send < 2; send++) {
      assertExit(await cluster.pay("alice", "bob", "1.00", "--id", id), 0, "committed");
      await until("paid once", async () => await balance() === before - 1_00);
    }
  });

  await t.step("a node that is stopped: not sent, so failed", async () => {
    const before = await balance();
    const { data } = cluster.node("alice");
    const api = await Deno.readTextFile(`${data}/api.json`);
    await cluster.node("alice").terminate();
    const stopped = await cluster.pay("alice", "bob", "1.00");
    assertExit(stopped, 1, "no node runs on this machine with the data folder");
    // As a node that was killed leaves it behind: the token is for nobody who listens there now.
    await Deno.writeTextFile(`${data}/api.json`, api);
    const { hostname, port } = new URL(JSON.parse(api).url);
    let asked = 0;
    const other = Deno.serve({ hostname, port: Number(port), onListen: () => {} }, () => {
      asked++;
      return new Response();
    });
    assertExit(await cluster.pay("alice", "bob", "1.00"), 1, "the last one was killed");
    assertExit(await cluster.run("status"), 1, "(bob, coordinator)");
    await other.shutdown();
    assertEquals(asked, 0);
    await cluster.start("alice");
    assertEquals(await balance(), before);
  });
});

Deno.test("wrong usage is refused with what to do", async (t) => {
  await using cluster = await Cluster.make(openings, false);
  const run = (line: string) => cluster.run(...line.split(" "));
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ["pay --amonut 1.00 --to bob", ["--amonut", "--amount"]],
    ["balence", ["balence", "balance"]],
    ["--rol=server", ["--rol", "--role"]],
    ["--role=server --nmae coordinator", ["--nmae", "--name"]],
    ["--role=client --name alice --no-input --certs certs", ["--server"]],
    ["--role=client --name coordinator --server 127.0.0.1:1 --certs certs", ["--role=server"]],
    ["--role=server --name alice --certs certs", ["--role=client"]],
    ["pay --to bob --amount -1.00", ["--amount"]],
    ["payment not-an-id", ["not-an-id", "UUIDv7"]],
  ];
  for (const [line, words] of rows) {
    await t.step(line, async () => {
      const result = await run(line);
      assertEquals(result.code, 2, result.stderr);
      assertEquals(result.stdout, "");
      for (const word of words) assertStringIncludes(result.stderr, word);
    });
  }

  await t.step("help goes to stdout and exits 0", async () => {
    assertExit(await run("help"), 0, "Usage:");
    assertMatch((await run("--version")).stdout, /^handfast \d+\.\d+\.\d+\n$/);
  });
});

Deno.test({
  name: "the executable refuses to be halted by tests",
  ignore: executable === undefined,
  fn: async () => {
    await using cluster = await Cluster.make(openings, false);
    const line = "--role=server --name coordinator --certs certs --http 127.0.0.1:0 --no-input";
    const args = [...line.split(" "), "--listen", "127.0.0.1:0"];
    const node = cluster.spawnWith("coordinator", "", args, { halt: "after:started" });
    assertExit(await ended(node), 2, "HANDFAST_TEST_HALT");
  },
});

async function modeOf(path: string): Promise<number> {
  return ((await Deno.stat(path)).mode ?? 0) & 0o777;
}

async function assertMissing(path: string): Promise<void> {
  const found = await Deno.stat(path).catch(() => undefined);
  assertEquals(found, undefined, `${path} is still there`);
}
