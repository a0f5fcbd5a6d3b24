/**
 * Payments of two participants to each other and to a third, before and after that one is stopped: those
 * that do not involve it must not become slower. They arrive by the clock. Prints a JSON line.
 *
 *   deno run -A tests/speed/slow_peer.ts [--rate=9000] [--seconds=4]
 */

import { parseArgs } from "@std/cli/parse-args";
import { Histogram } from "../../src/bench/histogram.ts";
import type { LoadResult } from "../../src/bench/load.ts";
import { BenchProcess } from "../../src/bench/process.ts";
import type { Look } from "../../src/bench/worker.ts";
import { initCertificates } from "../../src/keys/init.ts";

const anywhere = { hostname: "127.0.0.1", port: 0 };
const serverName = "coordinator";
const payers = ["p1", "p2"];
const slow = "p3";
const names = [...payers, slow];
const accounts = 100;
const underWayMax = 16_384;

/** Of the payments between those two that never stop. */
export interface Phase {
  /** Committed a second. */
  readonly tps: number;
  readonly p50ms: number;
  readonly p99ms: number;
  /** Of the coordinator. */
  readonly residentBytes: number;
  /** The share of all payments that was answered `overloaded`. */
  readonly overloaded: number;
}

export interface Pressure {
  /** Payments a second, half of them to the third. */
  readonly rate: number;
  readonly warmUpMs: number;
  readonly ms: number;
}

/** All three run, and then the third is stopped: no word comes from it, and its links stay up. */
export async function measureSlowPeer(
  { rate, warmUpMs, ms }: Pressure,
): Promise<{ readonly running: Phase; readonly stopped: Phase }> {
  const folder = await Deno.makeTempDir({ prefix: "handfast-slow-" });
  const coordinator = new BenchProcess(serverName);
  const participants = names.map((name) => new BenchProcess(name));
  try {
    const certs = `${folder}/certs`;
    await initCertificates({ dir: certs, nodes: [serverName, ...names] });
    const common = { certs, listen: anywhere, http: anywhere, serverName };
    const node = { ...common, role: "coordinator", name: serverName, data: `${folder}/0` } as const;
    const { listen } = await coordinator.ask({ do: "start", node, accounts: 0 });
    const server = { ...anywhere, port: Number(listen.split(":").at(-1)) };
    await Promise.all(participants.map((process) => {
      const { name } = process;
      const data = `${folder}/${name}`;
      const node = { ...common, role: "participant", name, data, server } as const;
      return process.ask({ do: "start", node, accounts });
    }));
    const workload = { participants: names, accounts, legs: 2, memo: false, refusals: 0 };
    const pressure = { concurrency: underWayMax, rate: rate / 2 };
    const loading = participants.slice(0, payers.length);
    await Promise.all(loading.map((process) => process.ask({ do: "load", workload, pressure })));
    const take = () => Promise.all(loading.map((process) => process.ask({ do: "take" })));
    const phase = async (parts: number) => {
      await sleep(warmUpMs);
      await take();
      await sleep(ms);
      const loads = (await take()).map(({ load }) => load!);
      return phaseOf(loads, parts, await coordinator.ask({ do: "look" }));
    };
    // Half of what runs is paid to the third, and cannot be told apart.
    const running = await phase(2);
    participants[payers.length]!.signal("SIGSTOP");
    return { running, stopped: await phase(1) };
  } finally {
    for (const process of [coordinator, ...participants]) await process.kill();
    await Deno.remove(folder, { recursive: true });
  }
}

/** @param parts of the committed, one of which is between the two that never stop */
function phaseOf(
  results: readonly LoadResult[],
  parts: number,
  { residentBytes }: Pick<Look, "residentBytes">,
): Phase {
  const latencies = new Histogram();
  const sum = (of: (one: LoadResult) => number) => results.reduce((all, one) => all + of(one), 0);
  for (const one of results) latencies.merge(new Histogram(one.latencies));
  const overloaded = sum(({ rejected }) => rejected.overloaded ?? 0);
  const all = overloaded + sum(({ committed, aborted, pending }) => committed + aborted + pending);
  return {
    tps: Math.round(sum(({ committed, seconds }) => committed / seconds) / parts),
    p50ms: latencies.quantile(0.5) ?? Infinity,
    p99ms: latencies.quantile(0.99) ?? Infinity,
    residentBytes,
    overloaded: overloaded / Math.max(1, all),
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

if (import.meta.main) {
  const { rate, seconds } = parseArgs(Deno.args, { string: ["rate", "seconds"] });
  const ms = Number(seconds ?? 4) * 1_000;
  const figures = await measureSlowPeer({ rate: Number(rate ?? 9_000), warmUpMs: 1_500, ms });
  console.log(JSON.stringify(figures));
}
