/** The demo pays what it says it pays, and at once. */

import { assert, assertEquals } from "@std/assert";
import { resendIntervalMs } from "../../src/limits.ts";
import { Cluster, until } from "./cluster.ts";

interface Shown {
  readonly text: string;
  readonly outcome: string;
  readonly steps: readonly { readonly node: string; readonly at?: string }[];
}

Deno.test("demo pays between two ledgers, and neither makes nor loses money", async () => {
  await using cluster = await Cluster.make({}, false);
  const { code, stdout, stderr } = await cluster.run("demo", "--once", "--json");
  assertEquals([code, stderr], [0, ""]);
  const lines = stdout.trim().split("\n").map((line) => JSON.parse(line));
  const payments = lines.slice(0, -1) as Shown[];
  assertEquals(payments.map(({ outcome }) => outcome), [
    ...Array(payments.length - 1).fill("committed"),
    "aborted (insufficient_funds)",
  ]);
  assert(payments.length > 3, `${payments.length} payments`);
  for (const { steps } of payments) {
    assertEquals(
      new Set(steps.map(({ node }) => node)),
      new Set(["alice", "bob", "coordinator"]),
    );
  }
  const { conserved, sum, expected } = lines.at(-1);
  assertEquals([conserved, sum], [true, expected]);

  // The first comes while the participants are still being introduced to each other: none of its messages
  // may be lost by that, and come only when it is sent again.
  const times = payments[0]!.steps.flatMap(({ at }) => at === undefined ? [] : Date.parse(at));
  const ms = Math.max(...times) - Math.min(...times);
  assert(ms < resendIntervalMs / 2, `the first payment took ${ms} ms`);
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.test(`demo ends by ${signal}, and leaves no folder`, async () => {
    await using cluster = await Cluster.make({}, false);
    const folders = async () => {
      const names: string[] = [];
      for await (const { name } of Deno.readDir(cluster.folder)) names.push(name);
      return names.filter((name) => name.startsWith("handfast-demo-"));
    };
    // While it starts, while it pays, and while it serves its page.
    const moments = signal === "SIGTERM" ? ["", "alice has", "The status page"] : ["alice has"];
    for (const said of moments) {
      const demo = cluster.spawnWith("demo", "", ["demo"], {
        env: { TMPDIR: cluster.folder },
      });
      await until("it has begun", async () => (await folders()).length > 0);
      await until(`it says "${said}"`, () => demo.stdout.includes(said));
      demo.signal(signal);
      assertEquals(await demo.ended(), 0);
      assertEquals(await folders(), []);
    }
  });
}
