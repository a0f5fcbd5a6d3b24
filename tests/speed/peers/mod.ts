/**
 * Handfast beside what people would use instead, on the same machine and in turn: durable transfers between
 * random accounts of two stores. Redis and PostgreSQL have neither TLS, signatures nor recovery here.
 *
 *   deno task bench:peers [--concurrency LIST] [--rounds N] [--seconds S] [--json]
 *
 * This process is the client of the peers. The task gives what is young in it more memory: with 2,048
 * payments in flight, half of its work would otherwise be to collect garbage.
 */

import { parseArguments } from "../../../src/cli/arguments.ts";
import { jsonFlag } from "../../../src/cli/command.ts";
import type { Flag } from "../../../src/cli/command.ts";
import { exitCode } from "../../../src/cli/exit_code.ts";
import { parseWhole, wholeIn } from "../../../src/cli/values.ts";
import { messageOf, UsageError } from "../../../src/errors.ts";
import type { Comparison, Figure } from "./figures.ts";
import { compare } from "./figures.ts";
import { measureHandfast } from "./handfast.ts";
import type { Speed } from "./load.ts";
import { measureLoad } from "./load.ts";
import type { Peer } from "./peer.ts";
import { postgres } from "./postgres.ts";
import { redis } from "./redis.ts";

const name = "bench:peers";
const handfast = "handfast";
const peers: readonly Peer[] = [redis, postgres];
/** As long as that of `handfast bench`. */
const warmUpMs = 1_500;
const interrupted = 130;

const flags: readonly Flag[] = [
  {
    name: "concurrency",
    value: "LIST",
    help: "payments in flight, one comparison each (default 1,128,512,2048)",
  },
  { name: "rounds", value: "N", help: "of which the median counts (default 5)" },
  { name: "seconds", value: "S", help: "of each measurement, after its warm-up (default 4)" },
  jsonFlag,
];

/** Resolves to the exit code, once all that was started has ended; never rejects. */
async function main(argv: readonly string[]): Promise<number> {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => stop.abort());
  }
  try {
    return await run(argv, stop.signal);
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === "AbortError") return interrupted;
    console.error(`${name}: ${messageOf(thrown)}`);
    return thrown instanceof UsageError ? exitCode.usage : exitCode.failed;
  }
}

async function run(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const usage = `${name} [--concurrency LIST] [--rounds N] [--seconds S] [--json]`;
  const args = parseArguments(argv, { name, usage: [usage], flags });
  if (args.wantsHelp) {
    console.log(`Usage: deno task ${usage}\n`);
    for (const { name, value = "", help } of flags) {
      console.log(`  ${`--${name} ${value}`.padEnd(18)}  ${help}`);
    }
    return exitCode.done;
  }
  const concurrencies = (args.text("concurrency") ?? "1,128,512,2048").split(",")
    .map((text) => parseWhole(text, [1, 16_384], "--concurrency"));
  const rounds = wholeIn(args, "rounds", [1, 1_000]) ?? 5;
  const seconds = wholeIn(args, "seconds", [1, 3_600]) ?? 4;
  const print = args.is("json") ? new JsonLines() : new Table();

  await using folder = await temporaryFolder();
  const systems = await findSystems(folder.path, seconds, signal);
  const figures: Figure[] = [];
  for (const concurrency of concurrencies) {
    for (let round = 1; round <= rounds; round++) {
      for (const [system, measure] of systems) {
        const figure = { concurrency, round, system, ...await measure(concurrency) };
        figures.push(figure);
        print.figure(figure);
      }
    }
  }
  print.comparisons(compare(figures, handfast));
  return exitCode.done;
}

type Measure = (concurrency: number) => Promise<Speed>;

/** Handfast, and of the peers those that are installed; says which are not. */
async function findSystems(
  folder: string,
  seconds: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Measure>> {
  const systems = new Map<string, Measure>([
    [handfast, (concurrency) => measureHandfast({ concurrency, seconds, folder }, signal)],
  ]);
  for (const peer of peers) {
    if (!await peer.isInstalled()) {
      console.error(`${peer.name} is left out: it needs Debian's package ${peer.debianPackage}`);
      continue;
    }
    systems.set(peer.name, async (concurrency) => {
      await using stores = await peer.open(folder, signal);
      return await measureLoad(stores, { concurrency, warmUpMs, ms: seconds * 1_000 }, signal);
    });
  }
  if (systems.size === 1) throw new Error("there is nothing to compare Handfast with");
  return systems;
}

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir({ prefix: "handfast-peers-" });
  // PostgreSQL may run as another user.
  await Deno.chmod(path, 0o755);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

interface Printer {
  figure(figure: Figure): void;
  comparisons(comparisons: readonly Comparison[]): void;
}

class JsonLines implements Printer {
  figure(figure: Figure): void {
    console.log(JSON.stringify(figure));
  }

  comparisons(comparisons: readonly Comparison[]): void {
    for (const { ratio, ...rest } of comparisons) {
      console.log(JSON.stringify({ ...rest, ratio: Number(ratio.toFixed(3)) }));
    }
  }
}

/** A line as soon as its figure is known, so of columns of fixed width. */
class Table implements Printer {
  #hasHead = false;

  figure({ concurrency, round, system, tps, p50ms, p99ms }: Figure): void {
    const head = ["in flight", "round", "system", "payments/s", "p50 ms", "p99 ms"];
    if (!this.#hasHead) console.log(lineOf(head));
    this.#hasHead = true;
    console.log(lineOf([concurrency, round, system, tps, p50ms, p99ms]));
  }

  comparisons(comparisons: readonly Comparison[]): void {
    const systems = Object.keys(comparisons[0]!.medians);
    console.log(`\n${lineOf(["in flight", "median of", ...systems, "ratio"])}`);
    for (const { concurrency, measure, medians, ratio } of comparisons) {
      const unit = measure === "tps" ? "payments/s" : "p50 ms";
      const values = systems.map((system) => Number(medians[system]!.toPrecision(6)));
      console.log(lineOf([concurrency, unit, ...values, ratio.toFixed(2)]));
    }
    console.log("ratio: Handfast to the better of the others; of p50 less is better");
  }
}

function lineOf(cells: readonly (string | number)[]): string {
  return cells.map((cell) => String(cell).padStart(10)).join("  ");
}

if (import.meta.main) Deno.exit(await main(Deno.args));
