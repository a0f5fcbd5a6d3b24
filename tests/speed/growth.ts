/**
 * What many payments leave behind: makes so many between two participants, stops all three nodes, starts them
 * again, and prints JSON lines: bytes on disk, how long each start took, memory, and how long it takes to look
 * up payments by their ids, old ones among them, and ids that never were.
 *
 *   deno run -A tests/speed/growth.ts [--payments=1000000] [--accounts=1000] [--inflight=2048]
 */

import { generate as generateUuid7 } from "@std/uuid/v7";
import { parseArgs } from "@std/cli/parse-args";
import { BenchProcess } from "../../src/bench/process.ts";
import type { Command } from "../../src/bench/worker.ts";
import { initCertificates } from "../../src/keys/init.ts";

const flags = parseArgs(Deno.args, { string: ["payments", "accounts", "inflight"] });
const payments = Number(flags.payments ?? 1_000_000);
const accounts = Number(flags.accounts ?? 1_000);
const inFlight = Number(flags.inflight ?? 2_048);
const names = ["coordinator", "alice", "bob"];
const lookUps = 200;
const loadMs = 5_000;

const folder = await Deno.makeTempDir({ prefix: "handfast-growth-" });
const certs = `${folder}/certs`;
await initCertificates({ dir: certs, nodes: names });
const anywhere = { hostname: "127.0.0.1", port: 0 };
const dataOf = (name: string) => `${folder}/${name}`;

interface Running {
  readonly process: BenchProcess;
  readonly url: string;
  readonly ms: number;
}

async function start(name: string, coordinator?: Running & { readonly listen: string }) {
  const process = new BenchProcess(name);
  const role: "participant" | "coordinator" = coordinator ? "participant" : "coordinator";
  const port = Number(coordinator?.listen.split(":").at(-1));
  const common = { certs, data: dataOf(name), listen: anywhere, http: anywhere };
  const server = coordinator ? { ...anywhere, port } : undefined;
  const node = { ...common, role, name, serverName: "coordinator", server };
  const isNew = !await exists(dataOf(name));
  const started = await process.ask({
    do: "start",
    node,
    accounts: coordinator && isNew ? accounts : 0,
  });
  return { process, ...started };
}

async function startAll() {
  const coordinator = await start("coordinator");
  const [alice, bob] = await Promise.all([start("alice", coordinator), start("bob", coordinator)]);
  return [coordinator, alice!, bob!] as const;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

async function bytesIn(path: string): Promise<number> {
  let sum = 0;
  for await (const { name } of Deno.readDir(path)) sum += (await Deno.stat(`${path}/${name}`)).size;
  return sum;
}

function print(line: unknown): void {
  console.log(JSON.stringify(line));
}

/** Some of alice's payments, the oldest first: asked for by pages of her list. */
async function idsAt(url: string, token: string): Promise<string[]> {
  const headers = { Authorization: `Bearer ${token}` };
  const page = await fetch(`${url}/v1/payments?limit=100`, { headers });
  return ((await page.json()) as { payments: { id: string }[] }).payments.map(({ id }) => id);
}

async function lookUp(url: string, token: string, ids: readonly string[]): Promise<number[]> {
  const headers = { Authorization: `Bearer ${token}` };
  const times: number[] = [];
  for (const id of ids) {
    const startMs = performance.now();
    await (await fetch(`${url}/v1/payments/${id}`, { headers })).text();
    times.push(performance.now() - startMs);
  }
  return times.sort((a, b) => a - b);
}

let running = await startAll();
const tokenOf = async (name: string) => (await Deno.readTextFile(`${dataOf(name)}/token`)).trim();
const early: string[] = [];
try {
  const startMs = performance.now();
  let made = 0;
  while (made < payments) {
    const workload = {
      participants: ["alice", "bob"],
      accounts,
      legs: 2,
      memo: false,
      refusals: 0,
    };
    const pressure = { concurrency: inFlight / 2 };
    const askAll = (command: Extract<Command, { do: "load" | "end" }>) =>
      Promise.all(running.slice(1).map(({ process }) => process.ask(command)));
    await askAll({ do: "load", workload, pressure });
    await new Promise((resolve) => setTimeout(resolve, loadMs));
    await askAll({ do: "end" });
    const looks = await Promise.all(running.map(({ process }) => process.ask({ do: "look" })));
    made = looks[0]!.committed;
    if (early.length === 0) early.push(...await idsAt(running[1].url, await tokenOf("alice")));
    print({
      payments: made,
      seconds: Math.round((performance.now() - startMs) / 1_000),
      residentMB: looks.map(({ residentBytes }) => Math.round(residentBytes / 1e6)),
    });
  }
  const late = await idsAt(running[1].url, await tokenOf("alice"));
  for (const { process } of running.toReversed()) await process.stop();
  const bytes = await Promise.all(names.map((name) => bytesIn(dataOf(name))));
  print({ bytesPerPayment: bytes.map((sum) => Math.round(sum / made)) });

  running = await startAll();
  const looks = await Promise.all(running.map(({ process }) => process.ask({ do: "look" })));
  print({
    readyMs: running.map(({ ms }) => Math.round(ms)),
    residentMB: looks.map(({ residentBytes }) => Math.round(residentBytes / 1e6)),
  });
  const token = await tokenOf("alice");
  for (
    const [what, ids] of [
      ["the first", early],
      ["the last", late],
      ["none", Array.from({ length: lookUps }, () => generateUuid7())],
    ] as const
  ) {
    const times = await lookUp(running[1].url, token, ids.slice(0, lookUps));
    const at = (share: number) => Number(times[Math.ceil(share * times.length) - 1]!.toFixed(2));
    print({ lookUp: what, p50ms: at(0.5), p99ms: at(0.99), mostMs: at(1) });
  }
} finally {
  for (const { process } of running) await process.kill();
  await Deno.remove(folder, { recursive: true });
}
