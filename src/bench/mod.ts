/**
 * `handfast bench`: a coordinator and participants, each a process of its own, with real TLS and real
 * logs on disk; payments in all directions, measured where their users would wait for them.
 */

import { initCertificates } from "../keys/init.ts";
import type { Pressure } from "./load.ts";
import type { Measured, Scene } from "./measured.ts";
import { measuredOf } from "./measured.ts";
import type { Api, Via } from "./payer.ts";
import { BenchProcess } from "./process.ts";
import type { Window, WindowFigures } from "./window.ts";
import { figuresOf, windowOf, windowsIn } from "./window.ts";
import type { Look, Started, Taken } from "./worker.ts";
import type { Workload } from "./workload.ts";
import { opening } from "./workload.ts";

export type { Measured } from "./measured.ts";
export type { Via } from "./payer.ts";
export { benchWorker } from "./process.ts";
export type { Course, WindowFigures } from "./window.ts";
export { serveBench } from "./worker.ts";

/** Load of one kind. */
export interface Run {
  readonly via: Via;
  /** Payments in flight; by batch, in one request to each participant. */
  readonly concurrency: number;
}

export interface BenchOptions {
  readonly participants: number;
  readonly runs: readonly Run[];
  /** Of each run, after its warm-up. */
  readonly seconds: number;
  /** Before the first run. Default: as long as it takes until the code is compiled. */
  readonly warmupSeconds?: number;
  /** A run of three or more times so long is told by windows of so many seconds at most. */
  readonly windowSeconds: number;
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

/** Is told of what is measured, as it is. */
export interface BenchListener {
  measured(result: Measured): void;
  /** One of a run that has several. */
  passed(figures: WindowFigures, number: number, count: number): void;
}

/** Of each run. */
const warmUpMs = 1_500;
/** Before the first, for each process: so long it takes until its code is compiled, on a share of two cores. */
const compileMs = 1_500;
const compileConcurrency = 512;
const settleMs = 20;
const settleTimeoutMs = 30_000;
const anywhere = { hostname: "127.0.0.1", port: 0 };
const serverName = "coordinator";
const signals = ["SIGINT", "SIGTERM"] as const;

/** Resolves to whether no money came or went in any run. */
export async function runBench(options: BenchOptions, listener: BenchListener): Promise<boolean> {
  await using bench = new Bench(options);
  // Whoever ends it finds no process and no folder left.
  const leave = () => void bench[Symbol.asyncDispose]().finally(() => Deno.exit(130));
  for (const signal of signals) Deno.addSignalListener(signal, leave);
  try {
    await bench.start();
    await bench.warmUp();
    return await measureAll(bench, options, listener);
  } finally {
    for (const signal of signals) Deno.removeSignalListener(signal, leave);
  }
}

async function measureAll(
  bench: Bench,
  { runs }: BenchOptions,
  listener: BenchListener,
): Promise<boolean> {
  let areConserved = true;
  for (const run of runs) {
    const result = await bench.measure(run, listener);
    listener.measured(result);
    areConserved &&= result.conserved;
  }
  return areConserved;
}

class Bench {
  readonly #options: BenchOptions;
  readonly #folder: string;
  readonly #coordinator = new BenchProcess(serverName);
  readonly #participants: readonly BenchProcess[];
  /** Of the participants, each in its place. */
  #apis: readonly Api[] = [];
  /** One for each participant, once something is to be paid over HTTP. */
  #clients: readonly BenchProcess[] = [];
  #started: Promise<void> | undefined;
  #ended: Promise<void> | undefined;

  constructor(options: BenchOptions) {
    this.#options = options;
    this.#folder = Deno.makeTempDirSync({ prefix: "handfast-bench-", dir: options.dir });
    this.#participants = Array.from(
      { length: options.participants },
      (_, i) => new BenchProcess(`p${i + 1}`),
    );
  }

  start(): Promise<void> {
    return this.#started = this.#start();
  }

  async #start(): Promise<void> {
    const certs = `${this.#folder}/certs`;
    const nodes = this.#nodes.map(({ name }) => name);
    await initCertificates({ dir: certs, nodes });
    const common = { certs, listen: anywhere, http: anywhere, serverName };
    const { listen } = await this.#coordinator.ask({
      do: "start",
      node: { ...common, role: "coordinator", name: serverName, data: this.#data(serverName) },
      accounts: 0,
    });
    const server = { ...anywhere, port: Number(listen.split(":").at(-1)) };
    this.#apis = await Promise.all(this.#participants.map(async (process) => {
      const { name } = process;
      const data = this.#data(name);
      const node = { ...common, role: "participant" as const, name, data, server };
      const { accounts } = this.#options;
      const { url }: Started = await process.ask({ do: "start", node, accounts });
      return { name, url, token: (await Deno.readTextFile(`${data}/token`)).trim() };
    }));
  }

  /** Pays for a while, unmeasured: nodes that people use have run for long. */
  async warmUp(): Promise<void> {
    const { warmupSeconds } = this.#options;
    const ms = warmupSeconds === undefined ? compileMs * this.#nodes.length : warmupSeconds * 1_000;
    if (ms === 0) return;
    const loading = this.#participants;
    await this.#load(loading, { via: "submit", concurrency: compileConcurrency });
    await sleep(ms);
    await this.#stop(loading);
  }

  async measure(run: Run, { passed }: Pick<BenchListener, "passed">): Promise<Measured> {
    const loading = this.#loading(run.via);
    const { seconds, windowSeconds } = this.#options;
    const before = await this.#settled();
    await this.#load(loading, run);
    await sleep(warmUpMs);
    // What the warm-up came to goes.
    await this.#take(loading);
    const windows: Window[] = [];
    const count = windowsIn(seconds, windowSeconds);
    while (windows.length < count) {
      await sleep(seconds * 1_000 / count);
      const window = windowOf(await this.#take(loading));
      windows.push(window);
      if (count > 1) passed(figuresOf(window), windows.length, count);
    }
    await this.#stop(loading);
    const after = await this.#settled();
    return measuredOf(run, windows, before, after, this.#isConserved(after.nodes));
  }

  /** The processes from which load comes. */
  #loading(via: Via): readonly BenchProcess[] {
    if (via === "submit") return this.#participants;
    if (this.#clients.length === 0) {
      this.#clients = this.#apis.map(({ name }) => new BenchProcess(`${name}'s client`));
    }
    return this.#clients;
  }

  async #load(loading: readonly BenchProcess[], { via, concurrency }: Run): Promise<void> {
    const { accounts, legs, memo, refusals, rate } = this.#options;
    const participants = this.#participants.map(({ name }) => name);
    const workload: Workload = { participants, accounts, legs, memo, refusals };
    const rates = rate === undefined ? [] : shares(rate, loading.length);
    await Promise.all(
      shares(concurrency, loading.length).map((share, i) => {
        if (share === 0) return;
        const pressure: Pressure = { concurrency: share, rate: rates[i], isBatch: via === "batch" };
        const api = via === "submit" ? undefined : this.#apis[i];
        return loading[i]!.ask({ do: "load", workload, pressure, api });
      }),
    );
  }

  async #stop(loading: readonly BenchProcess[]): Promise<void> {
    await Promise.all(loading.map((process) => process.ask({ do: "end" })));
  }

  async #take(loading: readonly BenchProcess[]): Promise<Map<string, Taken>> {
    const processes = new Set([...this.#nodes, ...loading]);
    const taken = [...processes].map(async (process) =>
      [process.name, await process.ask({ do: "take" })] as const
    );
    return new Map(await Promise.all(taken));
  }

  get #nodes(): readonly BenchProcess[] {
    return [this.#coordinator, ...this.#participants];
  }

  /** All processes, once nothing is under way: then sums can be compared. */
  async #settled(): Promise<Scene> {
    const deadlineMs = performance.now() + settleTimeoutMs;
    for (;;) {
      const nodes = await Promise.all(this.#nodes.map((process) => process.ask({ do: "look" })));
      if (nodes.every(({ open }) => open === 0) || performance.now() > deadlineMs) {
        const clients = this.#clients.map((process) => process.ask({ do: "take" }));
        const clientsCpuUs = (await Promise.all(clients)).reduce(
          (all, { cpuUs }) => all + cpuUs,
          0,
        );
        return { nodes, clientsCpuUs };
      }
      await sleep(settleMs);
    }
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

  #data(name: string): string {
    return `${this.#folder}/${name}`;
  }

  /** Once: whoever is told to end it ends the measurement, too, which then fails. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#ended ??= this.#end();
  }

  async #end(): Promise<void> {
    // The coordinator last: without it the others would say that it is gone; clients first, likewise.
    for (const process of [...this.#nodes, ...this.#clients].toReversed()) await process.kill();
    // Nothing writes into the folder any more: a start that is under way has failed by now, or does soon.
    await this.#started?.catch(() => {});
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

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
