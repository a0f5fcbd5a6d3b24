import { UsageError } from "../errors.ts";
import type { Failure, RunResult } from "../simulation/mod.ts";
import { isWorker, participantsMax, run, runSeeds, serveSeeds } from "../simulation/mod.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { exitCode } from "./exit_code.ts";
import type { Io } from "./io.ts";
import type { Arguments } from "./arguments.ts";
import { wholeIn } from "./values.ts";

const seedsDefault = 100;
const seedMax = 2 ** 31;
const seedsMax = 10_000_000;
const nodesMin = 3;
const nodesMax = participantsMax + 1;
const jobsMax = 64;
const eventsShown = 40;
const progressMs = 1_000;

export const sim: Command = {
  name: "sim",
  summary: "break a simulated network by many seeds, and check that every promise holds",
  usage: ["sim [--seeds COUNT] [--seed FIRST]", "sim --seed N [--trace]"],
  flags: [
    { name: "seed", value: "N", help: "run this seed alone; with --seeds the first of them" },
    { name: "seeds", value: "COUNT", help: `how many seeds to run (default ${seedsDefault})` },
    {
      name: "nodes",
      value: "N",
      help: "nodes in all, the coordinator among them (default: by seed)",
    },
    { name: "jobs", value: "N", help: "seeds at the same time (default: one a processor)" },
    { name: "trace", help: "print every event of the seed" },
    jsonFlag,
  ],
  notes: [
    "A failure prints the seed, what was broken at which step, and the command that repeats it.",
  ],
  run: async (args, io) => isWorker() ? await serveSeeds() : await simulate(args, io),
};

async function simulate(args: Arguments, io: Io): Promise<number> {
  const seed = wholeIn(args, "seed", [0, seedMax]);
  const nodes = wholeIn(args, "nodes", [nodesMin, nodesMax]);
  const participants = nodes === undefined ? undefined : nodes - 1;
  const isAlone = seed !== undefined && args.text("seeds") === undefined;
  if (args.is("trace") && !isAlone) {
    throw new UsageError("--trace shows one seed: give it by --seed N, without --seeds");
  }
  const count = isAlone ? 1 : wholeIn(args, "seeds", [1, seedsMax]) ?? seedsDefault;
  const workers = wholeIn(args, "jobs", [1, jobsMax]) ?? navigator.hardwareConcurrency;
  if (args.is("trace")) return await trace(seed!, participants, args, io);

  const sum = { seeds: 0, steps: 0, committed: 0, aborted: 0 };
  const startMs = performance.now();
  let failed: RunResult | undefined;
  let toldMs = startMs;
  await runSeeds({
    first: seed ?? 1,
    count,
    participants,
    workers,
    ran: (result) => {
      sum.seeds++;
      sum.steps += result.steps;
      sum.committed += result.committed;
      sum.aborted += result.aborted;
      if (result.failure && (!failed || result.seed < failed.seed)) failed = result;
      const nowMs = performance.now();
      if (io.isWatched && nowMs - toldMs > progressMs) {
        toldMs = nowMs;
        io.err(`${sum.seeds} of ${count} seeds, ${sum.committed} payments committed`);
      }
      return failed === undefined;
    },
  });
  const seconds = (performance.now() - startMs) / 1_000;
  if (failed?.failure) return await fail(failed.seed, failed.failure, nodes, args, io);
  if (args.is("json")) io.out(JSON.stringify({ ...sum, seconds, failed: null }));
  else {
    io.out(
      `${sum.seeds} ${sum.seeds === 1 ? "seed" : "seeds"} passed in ${seconds.toFixed(1)} s: ` +
        `${sum.committed} payments committed, ${sum.aborted} aborted, ${sum.steps} steps`,
    );
  }
  return exitCode.done;
}

async function trace(
  seed: number,
  participants: number | undefined,
  args: Arguments,
  io: Io,
): Promise<number> {
  const isJson = args.is("json");
  const record = (line: string) => io.out(isJson ? JSON.stringify(line) : line);
  const { failure } = await run({ seed, participants, record });
  return failure ? exitCode.violation : exitCode.done;
}

/** Runs the seed once more, to tell what led there. */
async function fail(
  seed: number,
  failure: Failure,
  nodes: number | undefined,
  args: Arguments,
  io: Io,
): Promise<number> {
  const replay = `handfast sim --seed ${seed}${nodes === undefined ? "" : ` --nodes ${nodes}`}`;
  if (args.is("json")) {
    io.out(JSON.stringify({ failed: { seed, ...failure, replay } }));
    return exitCode.violation;
  }
  const { rule, message, step, payment } = failure;
  io.out(`seed ${seed} broke "${rule}" at step ${step}: ${message}`);
  const events: string[] = [];
  const record = (line: string) => {
    if (payment !== undefined && !line.includes(payment)) return;
    events.push(line);
    if (events.length > eventsShown) events.shift();
  };
  await run({ seed, participants: nodes === undefined ? undefined : nodes - 1, record });
  io.out(payment === undefined ? "the last events:" : `the last events of payment ${payment}:`);
  for (const line of events) io.out(`  ${line}`);
  io.out(`again: ${replay}`);
  io.out(`every event: ${replay} --trace`);
  return exitCode.violation;
}
