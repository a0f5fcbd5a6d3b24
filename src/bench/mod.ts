/**
 * `handfast bench`: a coordinator and participants, each a process of its own, with real TLS and real
 * logs on disk; payments in all directions, measured where their users would wait for them.
 */

import { initCertificates } from "../keys/init.ts";
import { Histogram } from "./histogram.ts";
import type { LoadResult, Pressure, Workload } from "./load.ts";
import { opening } from "./load.ts";
import { BenchProcess } from "./process.ts";
import type { Look } from "./worker.ts";

export { benchWorker } from "./process.ts";
export { serveBench } from "./worker.ts";

export interface BenchOptions {
  readonly participants: number;
  readonly concurrencies: readonly number[];
  readonly seconds: number;
  readonly accounts: number;
  readonly legs: number;
  readonly memo: boolean;
  /** From 0 to 1. */
  readonly refusals: number;
  /** Payments a second that arrive; nothing: as many as are answered. */
  readonly rate?: number;
  /** Where the logs go; in a folder of its own there. Default: the system's folder for such. */
  readonly dir?: string;
}

/** Of one concurrency. Times in milliseconds. */
export interface Measured {
  readonly concurrency: number;
  readonly participants: number;
  /** Committed payments a second. */
  readonly tps: number;
  readonly p50ms: number | null;
  readonly p99ms: number | null;
  readonly p999ms: number | null;
  /** No money came or went: the books of all, after the load had ended. */
  readonly conserved: boolean;
  readonly aborted: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly pending: number;
  /** Of a payment, in microseconds of one core: the coordinator's, and all participants' together. */
  readonly cpuUs: { readonly coordinator: number; readonly participants: number };
  /** That one sync of a disk made durable, over all nodes. */
  readonly recordsPerSync: number;
  /** Of a payment, in the entries of all logs, and in the frames of all links. */
  readonly logBytes: number;
  readonly linkBytes: number;
  /** Of the process that has most. */
  readonly residentBytes: number;
}

const warmUpMs = 1_500;
const settleMs = 20;
const settleTimeoutMs = 30_000;
const anywhere = { hostname: "127.0.0.1", port: 0 };
const serverName = "coordinator";
const signals = ["SIGINT", "SIGTERM"] as const;

/** Runs all; `measured` is told of each concurrency as it ends. */
export async function runBench(
  options: BenchOptions,
  measured: (result: Measured) => void,
): Promise<boolean> {
  await using bench = await Bench.begin(options);
  // Whoever ends it finds no process and no folder left.
  const leave = () => void bench[Symbol.asyncDispose]().finally(() => Deno.exit(130));
  for (const signal of signals) Deno.addSignalListener(signal, leave);
  try {
    return await measureAll(bench, options, measured);
  } finally {
    for (const signal of signals) Deno.removeSignalListener(signal, leave);
  }
}

async function measureAll(
  bench: Bench,
  options: BenchOptions,
  measured: (result: Measured) => void,
): Promise<boolean> {
  let areConserved = true;
  for (const concurrency of options.concurrencies) {
    const result = await bench.measure(concurrency);
    measured(result);
    areConserved &&= result.conserved;
  }
  return areConserved;
}

class Bench {
  readonly #options: BenchOptions;
  readonly #folder: string;
  readonly #coordinator: BenchProcess;
  readonly #participants: readonly BenchProcess[];

  private constructor(
    options: BenchOptions,
    folder: string,
    coordinator: BenchProcess,
    participants: readonly BenchProcess[],
  ) {
    this.#options = options;
    this.#folder = folder;
    this.#coordinator = coordinator;
    this.#participants = participants;
  }

  static async begin(options: BenchOptions): Promise<Bench> {
    const { participants: count, accounts, dir } = options;
    const folder = await Deno.makeTempDir({ prefix: "handfast-bench-", dir });
    const names = Array.from({ length: count }, (_, i) => `p${i + 1}`);
    const certs = `${folder}/certs`;
    await initCertificates({ dir: certs, nodes: [serverName, ...names] });
    const coordinator = new BenchProcess(serverName);
    const participants = names.map((name) => new BenchProcess(name));
    const bench = new Bench(options, folder, coordinator, participants);
    try {
      const common = { certs, listen: anywhere, http: anywhere, serverName };
      const { listen } = await coordinator.ask({
        do: "start",
        node: { ...common, role: "coordinator", name: serverName, data: `${folder}/${serverName}` },
        accounts: 0,
      });
      const server = { ...anywhere, port: Number(listen.split(":").at(-1)) };
      await Promise.all(participants.map((process) => {
        const { name } = process;
        const data = `${folder}/${name}`;
        const node = { ...common, role: "participant" as const, name, data, server };
        return process.ask({ do: "start", node, accounts });
      }));
      return bench;
    } catch (error) {
      await bench[Symbol.asyncDispose]();
      throw error;
    }
  }

  async measure(concurrency: number): Promise<Measured> {
    const { seconds, rate } = this.#options;
    const before = await this.#settled();
    const sharesOf = (whole: number) => shares(whole, this.#participants.length);
    const rates = rate === undefined ? [] : sharesOf(rate);
    const results = await Promise.all(
      sharesOf(concurrency).map((share, i) =>
        share === 0 ? undefined : this.#load(i, {
          concurrency: share,
          rate: rates[i],
          warmUpMs,
          ms: seconds * 1_000,
        })
      ),
    );
    const after = await this.#settled();
    return this.#measured(concurrency, results.filter((one) => one !== undefined), before, after);
  }

  #load(index: number, pressure: Pressure): Promise<LoadResult> {
    const { accounts, legs, memo, refusals } = this.#options;
    const participants = this.#participants.map(({ name }) => name);
    const workload: Workload = { participants, accounts, legs, memo, refusals };
    return this.#participants[index]!.ask({ do: "load", workload, pressure });
  }

  get #processes(): readonly BenchProcess[] {
    return [this.#coordinator, ...this.#participants];
  }

  /** All processes, the coordinator first, once nothing is under way: then sums can be compared. */
  async #settled(): Promise<Look[]> {
    const deadlineMs = performance.now() + settleTimeoutMs;
    for (;;) {
      const looks = await Promise.all(
        this.#processes.map((process) => process.ask({ do: "look" })),
      );
      if (looks.every(({ open }) => open === 0) || performance.now() > deadlineMs) return looks;
      await new Promise((resolve) => setTimeout(resolve, settleMs));
    }
  }

  #measured(
    concurrency: number,
    results: readonly LoadResult[],
    before: readonly Look[],
    after: readonly Look[],
  ): Measured {
    const sum = (of: (result: LoadResult) => number) =>
      results.reduce((all, one) => all + of(one), 0);
    const latencies = new Histogram();
    for (const one of results) latencies.merge(new Histogram(one.latencies));
    const quantile = (share: number) => rounded(latencies.quantile(share));
    const rejected: Record<string, number> = {};
    for (const one of results) {
      for (const [code, count] of Object.entries(one.rejected)) {
        rejected[code] = (rejected[code] ?? 0) + count;
      }
    }
    const added = (of: (look: Look) => number) =>
      after.reduce((all, look, i) => all + of(look) - of(before[i]!), 0);
    const [coordinator] = after;
    // Also those of the warm-up, as what they cost is counted, too.
    const payments = Math.max(1, coordinator!.committed - before[0]!.committed);
    const cpuUs = coordinator!.cpuUs - before[0]!.cpuUs;
    return {
      concurrency,
      participants: this.#participants.length,
      tps: Math.round(
        results.reduce((all, { committed, seconds }) => all + committed / seconds, 0),
      ),
      p50ms: quantile(0.5),
      p99ms: quantile(0.99),
      p999ms: quantile(0.999),
      conserved: this.#isConserved(after),
      aborted: sum(({ aborted }) => aborted),
      rejected,
      pending: sum(({ pending }) => pending),
      cpuUs: {
        coordinator: Math.round(cpuUs / payments),
        participants: Math.round((added((look) => look.cpuUs) - cpuUs) / payments),
      },
      recordsPerSync: Math.round(
        added(({ written }) => written.records) / Math.max(1, added(({ entries }) => entries)),
      ),
      logBytes: Math.round(added(({ written }) => written.logBytes) / payments),
      linkBytes: Math.round(added(({ written }) => written.linkBytes) / payments),
      residentBytes: Math.max(...after.map(({ residentBytes }) => residentBytes)),
    };
  }

  /** Nothing is held, all books add up, and together there is what there was. */
  #isConserved(looks: readonly Look[]): boolean {
    const { participants, accounts } = this.#options;
    const total = (of: (look: Look) => string) =>
      looks.reduce((all, look) => all + BigInt(of(look)), 0n);
    return looks.every(({ open, isSound }) => open === 0 && isSound) &&
      total((look) => look.accounts) === BigInt(participants * accounts) * opening &&
      total((look) => look.settlement) === 0n;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The coordinator last: without it the others would say that it is gone.
    for (const process of this.#processes.toReversed()) await process.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** A number divided as evenly as may be. */
function shares(whole: number, count: number): number[] {
  return Array.from(
    { length: count },
    (_, i) => Math.floor((i + 1) * whole / count) - Math.floor(i * whole / count),
  );
}

function rounded(ms: number | undefined): number | null {
  return ms === undefined ? null : Number(ms.toPrecision(3));
}
