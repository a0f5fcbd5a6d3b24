/**
 * Measures payments a second through one batch, against nodes that are processes of their own: sent to
 * `POST /v1/payments/batch` as a whole, and by `pay --batch`. Beside them single requests, many at a time.
 *
 *   deno run -A tests/speed/batch.ts [--lines=5000] [--rounds=5] [--inflight=128]
 */

import { parseArgs } from "@std/cli/parse-args";
import { generate } from "@std/uuid/v7";
import { Cluster } from "../process/cluster.ts";

const flags = parseArgs(Deno.args, { string: ["lines", "rounds", "inflight"] });
const lines = Number(flags.lines ?? 5_000);
const rounds = Number(flags.rounds ?? 5);
const inFlight = Number(flags.inflight ?? 128);
const accounts = 100;
const openings = Array.from({ length: accounts }, (_, i) => `a${i}=1000000.00:USD`);

await using cluster = await Cluster.make({ alice: openings, bob: openings });
const alice = cluster.node("alice");

function payments(): string[] {
  return Array.from({ length: lines }, (_, i) => {
    const account = `a${i % accounts}`;
    const to = `${account}@bob`;
    return JSON.stringify({ id: generate(), from: account, to, amount: "1", currency: "USD" });
  });
}

const ways: Record<string, (bodies: readonly string[]) => Promise<number>> = {
  batch: async (bodies) => {
    const answer = await alice.postLines("/v1/payments/batch", bodies);
    return answer.filter(({ status }) => status === 201).length;
  },
  command: async (bodies) => {
    const args = ["pay", "--data", alice.data, "--batch", "-"];
    const { stdout } = await cluster.runReading(bodies.join("\n"), ...args);
    return stdout.split("\n").filter((line) => line.includes(": committed ")).length;
  },
  single: async (bodies) => {
    const left = [...bodies];
    let committed = 0;
    await Promise.all(Array.from({ length: inFlight }, async () => {
      for (let body = left.pop(); body !== undefined; body = left.pop()) {
        const { status } = await alice.post("/v1/payments", JSON.parse(body));
        if (status === 201) committed++;
      }
    }));
    return committed;
  },
};

for (let round = 0; round <= rounds; round++) {
  for (const [way, pay] of Object.entries(ways)) {
    const bodies = payments();
    const startMs = performance.now();
    const committed = await pay(bodies);
    const seconds = (performance.now() - startMs) / 1_000;
    if (committed !== lines) throw new Error(`${way}: ${committed} of ${lines} committed`);
    // The first warms up.
    if (round > 0) console.log(JSON.stringify({ way, lines, tps: Math.round(lines / seconds) }));
  }
}
await cluster.stopAndVerify();
