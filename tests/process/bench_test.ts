/** The benchmark runs, and its figures are of what it was asked to do. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Measured } from "../../src/bench/mod.ts";
import { Cluster, executable, until } from "./cluster.ts";

/** How an executable starts its processes is seen by the others. */
const ignore = executable !== undefined;

interface Benched {
  readonly results: readonly Measured[];
  readonly code: number;
  readonly stderr: string;
}

async function bench(seconds: number, ...args: string[]): Promise<Benched> {
  // Only for its folder and its way to start the program: no node of it is started.
  await using cluster = await Cluster.make({}, false);
  const flags = ["--seconds", String(seconds), "--warmup", "0", "--json", ...args];
  const { code, stdout, stderr } = await cluster.run("bench", ...flags);
  const results = stdout.trim().split("\n").map((line) => JSON.parse(line) as Measured);
  return { results, code, stderr };
}

Deno.test("bench measures each concurrency, and no money comes or goes", async () => {
  const { results, code, stderr } = await bench(1, "--concurrency", "1,32", "--accounts", "10");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(
    results.map(({ concurrency, via }) => [concurrency, via]),
    [[1, "submit"], [32, "submit"]],
  );
  for (const one of results) {
    assert(one.conserved);
    assert(one.tps > 10, `${one.tps}`);
    assert(one.p50ms! > 0 && one.p50ms! <= one.p99ms! && one.p99ms! <= one.p999ms!);
    assertEquals([one.aborted, one.pending, one.rejected], [0, 0, {}]);
    assert(one.logBytes > 100 && one.linkBytes > 100, JSON.stringify(one));
    assert(one.cpuUs.coordinator > 0 && one.cpuUs.participants > 0);
  }
  assert(results[1]!.tps > results[0]!.tps);
});

Deno.test("bench can do it among more, with more legs, refusals and memos, by the clock", {
  ignore,
}, async () => {
  const { results: [one], code, stderr } = await bench(
    3,
    ...["--participants", "4", "--legs", "3", "--refusals", "0.5", "--memo", "--window", "1"],
    ...["--concurrency", "100", "--rate", "50"],
  );
  assertEquals(code, 0);
  assert(one!.conserved);
  assert(one!.aborted > 15 && one!.tps > 5, JSON.stringify(one));
  const all = one!.tps + one!.aborted / 3;
  assert(all > 30 && all < 70, `${all} of 50`);

  // And tells how it went.
  const { windows, thirds, memoryGrowth, p999msMost } = one!.course!;
  assertEquals(stderr.match(/^window \d of 3: /gm)?.length, 3, stderr);
  assertEquals([windows.length, thirds.length], [3, 3]);
  assert(windows.every(({ payments }) => payments > 5), JSON.stringify(windows));
  assertEquals(p999msMost, Math.max(...windows.map(({ p999ms }) => p999ms!)));
  assertEquals(Object.keys(memoryGrowth), ["coordinator", "p1", "p2", "p3", "p4"]);
  assert(Object.values(memoryGrowth).every((ratio) => ratio > 0.5 && ratio < 2), stderr);
});

Deno.test("bench pays over HTTP, one by one and by batch", async () => {
  const { results, code, stderr } = await bench(
    1,
    ...["--via", "http,batch", "--concurrency", "32", "--refusals", "0.2", "--memo"],
  );
  assertEquals([code, stderr], [0, ""]);
  assertEquals(results.map(({ via }) => via), ["http", "batch"]);
  for (const one of results) {
    assert(one.conserved);
    assert(one.tps > 10 && one.aborted > 2, JSON.stringify(one));
    assertEquals([one.pending, one.rejected], [0, {}]);
    assert(one.cpuUs.clients! > 0);
  }
});

Deno.test("bench counts apart what arrives and is too much", { ignore }, async () => {
  const { results: [one], code } = await bench(1, "--concurrency", "16384", "--rate", "150000");
  assertEquals(code, 0);
  assert(one!.conserved);
  assert(one!.committed > 0 && one!.rejected.overloaded! > 0, JSON.stringify(one));
});

Deno.test("bench says what it can't do", async () => {
  await using cluster = await Cluster.make({}, false);
  const cases = [
    [["--participants", "17"], '--participants "17" is no whole number from 2 to 16'],
    [["--concurrency", "1,x"], '--concurrency "x"'],
    [["--refusals", "2"], '--refusals "2" is no share from 0 to 1'],
  ] as const;
  for (const [args, why] of cases) {
    const { code, stderr } = await cluster.run("bench", ...args);
    assertEquals(code, 2);
    assertStringIncludes(stderr, why);
  }
});

Deno.test("bench that is ended leaves no process and no folder", async () => {
  await using cluster = await Cluster.make({}, false);
  const dir = `${cluster.folder}/logs`;
  await Deno.mkdir(dir);
  const args = ["bench", "--seconds", "60", "--via", "http", "--concurrency", "8", "--dir", dir];
  const node = cluster.spawnWith("bench", "", args);
  const entries = async () => (await Array.fromAsync(Deno.readDir(dir))).length;
  await until("its folder is there", async () => await entries() > 0);
  // It is in its first run by then.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  node.signal("SIGTERM");
  assertEquals(await node.ended(), 130);
  assertEquals(await entries(), 0);
});

Deno.test("bench runs with what the task handfast is allowed", { ignore }, async () => {
  const root = new URL("../../", import.meta.url);
  const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  const [, ...task] = config.tasks.handfast.command.split(" ");
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...task,
      "bench",
      "--warmup",
      "0",
      "--seconds",
      "1",
      "--concurrency",
      "1",
      "--accounts",
      "10",
    ],
    cwd: root,
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
});
