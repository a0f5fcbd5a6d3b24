/** The benchmark runs, and its figures are of what it was asked to do. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Measured } from "../../src/bench/mod.ts";
import { Cluster, until } from "./cluster.ts";

async function bench(...args: string[]): Promise<{ results: Measured[]; code: number }> {
  // Only for its folder and its way to start the program: no node of it is started.
  await using cluster = await Cluster.make({}, false);
  const { code, stdout, stderr } = await cluster.run("bench", "--seconds", "1", "--json", ...args);
  assertEquals(stderr, "");
  const results = stdout.trim().split("\n").map((line) => JSON.parse(line) as Measured);
  return { results, code };
}

Deno.test("bench measures each concurrency, and no money comes or goes", async () => {
  const { results, code } = await bench("--concurrency", "1,32", "--accounts", "10");
  assertEquals(code, 0);
  assertEquals(results.map(({ concurrency }) => concurrency), [1, 32]);
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

Deno.test("bench can do it among more, with more legs, refusals and memos, by the clock", async () => {
  const { results: [one], code } = await bench(
    ...["--participants", "4", "--legs", "3", "--refusals", "0.5", "--memo"],
    ...["--concurrency", "100", "--rate", "50"],
  );
  assertEquals(code, 0);
  assert(one!.conserved);
  assert(one!.aborted > 5 && one!.tps > 5, JSON.stringify(one));
  const all = one!.tps + one!.aborted;
  assert(all > 30 && all < 70, `${all} of 50`);
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
  const args = ["bench", "--seconds", "60", "--concurrency", "8", "--dir", dir];
  const node = cluster.spawnWith("bench", "", args);
  const entries = async () => (await Array.fromAsync(Deno.readDir(dir))).length;
  await until("its folder is there", async () => await entries() > 0);
  // It is in its first run by then.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  node.signal("SIGTERM");
  assertEquals(await node.ended(), 130);
  assertEquals(await entries(), 0);
});
