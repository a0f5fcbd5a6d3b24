/**
 * Measures payments from inside a participant: coordinator and bob are processes of their own, alice is
 * this one. Prints a JSON line for one payment at a time and one for many in flight, with the CPU time that
 * a payment takes of each node, which other load on the machine changes less.
 *
 *   deno run -A tests/speed/measure.ts [--payments=20000] [--inflight=128] [--alone=300] [--log-key]
 *     [--unsigned] [--memo]
 *
 * With `--log-key` all three logs are encrypted; `--unsigned` runs all three without signatures, to show
 * what those cost; with `--memo` each payment tells bob something.
 */

import { generate as generateUuid7 } from "@std/uuid/v7";
import { parseArgs } from "@std/cli/parse-args";
import { initCertificates } from "../../src/keys/init.ts";
import { makeLogKey } from "../../src/keys/log_key.ts";
import { ParticipantNode } from "../../src/node/participant_node.ts";
import { startNode } from "../../src/node/run.ts";
import type { PaymentId } from "../../src/protocol/id.ts";
import { withoutSignatures } from "./unsigned.ts";

const accounts = 100;
const currency = "USD";
const flags = parseArgs(Deno.args, {
  string: ["payments", "inflight", "alone"],
  boolean: ["unsigned", "log-key", "memo"],
});
const program = flags.unsigned ? "unsigned_node.ts" : "../../main.ts";
const main = new URL(program, import.meta.url).pathname;
if (flags.unsigned) withoutSignatures();
const payments = Number(flags.payments ?? 20_000);
const inFlight = Number(flags.inflight ?? 128);
const alone = Number(flags.alone ?? 300);

const folder = await Deno.makeTempDir({ prefix: "handfast-speed-" });
const certs = `${folder}/certs`;
await initCertificates({ dir: certs, nodes: ["coordinator", "alice", "bob"] });
const logKey = flags["log-key"] ? `${folder}/log-key` : undefined;
if (logKey) await makeLogKey(logKey);

async function spawn(
  name: string,
  flags: string[],
): Promise<{ child: Deno.ChildProcess; port: number }> {
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--config", config, main, ...flags, "--name", name].concat([
      "--certs",
      certs,
      "--data",
      `${folder}/${name}`,
      "--http",
      "127.0.0.1:0",
      "--listen",
      "127.0.0.1:0",
      "--no-input",
      "--log-level",
      "warn",
      ...(logKey ? ["--log-key", logKey] : []),
    ]),
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const match = /^ready .*listen=127\.0\.0\.1:(\d+)/.exec(text);
    if (match) return { child, port: Number(match[1]) };
  }
  throw new Error(`${name} did not start`);
}

const opening = 1_000_000_00n;
const openings = Array.from(
  { length: accounts },
  (_, i) => ({ account: `a${i}`, amount: opening, currency }),
);
const coordinator = await spawn("coordinator", ["--role=server"]);
const server = `127.0.0.1:${coordinator.port}`;
const bob = await spawn(
  "bob",
  ["--role=client", "--server", server].concat(
    openings.flatMap(({ account }) => ["--open", `${account}=1000000.00:${currency}`]),
  ),
);
const anywhere = { hostname: "127.0.0.1", port: 0 };
const alice = await startNode({
  role: "participant",
  name: "alice",
  certs,
  data: `${folder}/alice`,
  logKey,
  listen: anywhere,
  http: anywhere,
  server: { hostname: "127.0.0.1", port: coordinator.port },
  serverName: "coordinator",
  open: openings,
  logLevel: "warn",
}, (_level, line) => console.error(line));
if (!(alice.node instanceof ParticipantNode)) throw new Error("alice is a participant");
const node = alice.node;
await node.linked;

const details = [{ recipient: "bob", details: { memo: "Rent for the blue house in May" } }];
let made = 0;
async function payOnce(): Promise<number> {
  const account = `a${made++ % accounts}`;
  const legs = [
    { account, participant: "alice", amount: -1n, currency },
    { account, participant: "bob", amount: 1n, currency },
  ];
  const payment = generateUuid7() as PaymentId;
  const startMs = performance.now();
  const told = flags.memo ? { details } : {};
  const answer = await node.submit({ id: payment, legs, waitMs: 30_000, ...told });
  if (answer.state !== "committed") throw new Error(`a payment ended ${JSON.stringify(answer)}`);
  return performance.now() - startMs;
}

/** That the coordinator, alice and bob have had so far; nothing but on Linux. */
async function cpuMs(): Promise<number[]> {
  if (Deno.build.os !== "linux") return [];
  const pids = [coordinator.child.pid, Deno.pid, bob.child.pid];
  return await Promise.all(pids.map(async (pid) => {
    // proc(5): utime and stime, in hundredths of a second, counted from behind the name.
    const fields = (await Deno.readTextFile(`/proc/${pid}/stat`)).split(") ")[1]!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }));
}

async function measure(concurrency: number, count: number): Promise<void> {
  const latencies: number[] = [];
  let left = count;
  const before = await cpuMs();
  const startMs = performance.now();
  await Promise.all(Array.from({ length: concurrency }, async () => {
    while (left-- > 0) latencies.push(await payOnce());
  }));
  const seconds = (performance.now() - startMs) / 1000;
  const after = await cpuMs();
  const cpuUs = after.map((ms, i) => Math.round((ms - before[i]!) * 1000 / count));
  latencies.sort((a, b) => a - b);
  const quantile = (q: number) => Number(latencies[Math.ceil(q * count) - 1]!.toFixed(2));
  const tps = Math.round(count / seconds);
  const latency = { p50ms: quantile(0.5), p99ms: quantile(0.99) };
  console.log(JSON.stringify({ concurrency, tps, ...latency, cpuUs }));
}

await measure(inFlight, Math.min(payments, 2_000));
await measure(1, alone);
await measure(inFlight, payments);

await alice.stop();
for (const { child } of [bob, coordinator]) {
  child.kill("SIGTERM");
  await child.status;
}
await Deno.remove(folder, { recursive: true });
