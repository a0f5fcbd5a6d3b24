/** A node whose log is encrypted, as its owner starts, loses and checks it. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Result } from "./cluster.ts";
import { Cluster, until } from "./cluster.ts";

const openings = { alice: ["holiday-savings=5.00:USD", "main=100.00:USD"], bob: ["main=1.00:USD"] };

function assertExit({ code, stdout, stderr }: Result, expected: number, words: string): void {
  assertEquals(code, expected, stdout + stderr);
  assertStringIncludes(stdout + stderr, words);
}

Deno.test("a node with --log-key is killed, comes back, pays and is verified with the key alone", async (t) => {
  await using cluster = await Cluster.make(openings, false);
  const { folder } = cluster;
  const run = (line: string) => cluster.run(...line.split(" "));
  const flags = ["--log-key", "alice.log-key"];
  const logs = ["coordinator", "alice", "bob"].map((name) => `--data data/${name}`).join(" ");
  const ids: string[] = [];

  const pay = async (from: string, to: string) => {
    const paid = await cluster.pay(from, to, "1.00");
    assertExit(paid, 0, "committed");
    ids.push(/[0-9a-f-]{36}/.exec(paid.stderr)![0]);
  };
  const tellsNothing = async () => {
    for await (const { name } of Deno.readDir(cluster.data("alice"))) {
      if (!name.startsWith("log.kv")) continue;
      const bytes = await Deno.readFile(`${cluster.data("alice")}/${name}`);
      const text = new TextDecoder("latin1").decode(bytes);
      const needles = ids.flatMap((id) => {
        const digits = id.replaceAll("-", "");
        return [id, digits, new TextDecoder("latin1").decode(Uint8Array.fromHex(digits))];
      });
      for (const needle of [...needles, "holiday-savings", "coordinator", "alice"]) {
        assert(!text.includes(needle), `${name} has ${needle}`);
      }
    }
  };

  await t.step("a missing key is refused before a folder is made", async () => {
    await cluster.start("coordinator");
    const alice = await cluster.spawn("alice", { flags });
    assertEquals(await alice.ended(), 2);
    assertStringIncludes(alice.stderr, "handfast log-key alice.log-key");
    assertEquals(await Deno.stat(cluster.data("alice")).catch(() => undefined), undefined);
  });

  await t.step("log-key makes a key, once", async () => {
    assertExit(await run("log-key alice.log-key"), 0, "keep a copy");
    assertEquals((await Deno.stat(`${folder}/alice.log-key`)).mode! & 0o777, 0o600);
    assertExit(await run("log-key alice.log-key"), 2, "it exists");
    assertExit(await run("log-key other.log-key"), 0, "made other.log-key");
  });

  await t.step("it pays, and survives SIGKILL", async () => {
    await cluster.start("alice", { flags });
    await cluster.start("bob");
    await pay("alice", "bob");
    await until(
      "alice posts",
      async () => (await cluster.node("alice").account()).posted === 99_00,
    );
    await cluster.node("alice").kill();
    await tellsNothing();
    await cluster.start("alice", { flags });
    await pay("alice", "bob");
    await pay("bob", "alice");
    assertExit(await cluster.pay("alice", "bob", "1.00", "--id", ids[0]!), 0, "committed");
    await cluster.unheld();
    assertEquals((await cluster.node("alice").account()).posted, 99_00);
    for (const name of cluster.names.toReversed()) {
      assertEquals(await cluster.node(name).terminate(), 0, name);
    }
    await tellsNothing();
  });

  await t.step(
    "verify passes with the key, also beside others, and refuses without and with another",
    async () => {
      assertExit(await run(`verify ${logs} --log-key alice.log-key`), 0, "alice: participant");
      assertExit(
        await run(`verify ${logs} --log-key other.log-key --log-key alice.log-key`),
        0,
        "alice: participant",
      );
      assertExit(
        await run(`verify ${logs} --log-key alice.log-key --log-key alice.log-key`),
        0,
        "",
      );
      assertExit(await run(`verify ${logs}`), 2, 'data/alice/log.kv" is encrypted');
      assertExit(await run(`verify ${logs} --log-key other.log-key`), 2, "other.log-key");
      assertExit(
        await run("verify --data data/bob --log-key other.log-key"),
        0,
        "bob: participant",
      );
      assertExit(await run("verify --data data/bob --log-key no.log-key"), 2, "handfast log-key");
    },
  );

  await t.step("doctor tells whether it opens", async () => {
    const line = "doctor --certs certs --data data/alice --data data/bob --log-key";
    const right = await run(`${line} alice.log-key`);
    assertExit(right, 0, "encrypted, and opens with alice.log-key");
    assertStringIncludes(right.stdout, "data/bob/log.kv: not encrypted");
    assertExit(await run(`${line} other.log-key`), 1, "was not encrypted with");
    await Deno.chmod(`${folder}/other.log-key`, 0o644);
    assertExit(await run(`${line} other.log-key`), 1, "chmod 600 other.log-key");
  });

  await t.step("it starts with its key alone, and one in the clear with none", async () => {
    const starts: readonly [name: string, flags: readonly string[], said: string][] = [
      ["alice", [], "is encrypted"],
      ["alice", ["--log-key", "other.log-key"], "chmod 600"],
      ["bob", flags, "is not encrypted"],
    ];
    await cluster.start("coordinator");
    for (const [name, flags, said] of starts) {
      const node = await cluster.spawn(name, { flags });
      assertEquals(await node.ended(), 2, node.stderr);
      assertStringIncludes(node.stderr, said);
    }
    await Deno.chmod(`${folder}/other.log-key`, 0o600);
    const wrong = await cluster.spawn("alice", { flags: ["--log-key", "other.log-key"] });
    assertEquals(await wrong.ended(), 2);
    assertStringIncludes(wrong.stderr, "was not encrypted with");
    await cluster.start("alice", { flags });
    await cluster.start("bob");
    await pay("bob", "alice");
  });
});
