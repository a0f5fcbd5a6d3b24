import { shortened, UsageError } from "../errors.ts";
import type { BenchOptions, Run, Via } from "../bench/mod.ts";
import { runBench } from "../bench/mod.ts";
import type { Arguments } from "./arguments.ts";
import { BenchReport, windowLine } from "./bench_report.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { exitCode } from "./exit_code.ts";
import type { Io } from "./io.ts";
import { parseWhole, wholeIn } from "./values.ts";

const concurrenciesDefault = "1,64,128,512,2048";
const vias: readonly Via[] = ["submit", "http", "batch"];
/** What is measured over HTTP where nothing else is said. */
const overHttpDefault: readonly Run[] = [
  { via: "http", concurrency: 128 },
  { via: "batch", concurrency: 2_048 },
];
const participantsMax = 16;
const accountsMax = 1_000_000;
const legsMax = 8;
const secondsMax = 86_400;
const concurrencyMax = 16_384;
const rateMax = 1_000_000;

export const bench: Command = {
  name: "bench",
  summary: "measure payments between processes of this machine, with TLS and logs on disk",
  usage: ["bench [--participants N] [--via LIST] [--concurrency LIST] [--seconds S]"],
  flags: [
    { name: "participants", value: "N", help: `2 to ${participantsMax} (default 2)` },
    {
      name: "via",
      value: "LIST",
      help: "how payments are ordered: submit (in the participants' processes), http, batch",
    },
    {
      name: "concurrency",
      value: "LIST",
      help: `payments in flight, one run each (default ${concurrenciesDefault})`,
    },
    { name: "seconds", value: "S", help: "of each run, after its warm-up (default 4)" },
    {
      name: "warmup",
      value: "S",
      help: "before the first run (default 1.5 for each process)",
    },
    {
      name: "window",
      value: "S",
      help: "a run of three windows or more tells of each how it went (default 60)",
    },
    { name: "accounts", value: "N", help: `of each participant, to ${accountsMax} (default 1000)` },
    { name: "legs", value: "N", help: `of a payment, 2 to ${legsMax} (default 2)` },
    { name: "memo", help: "each payment tells its recipients something, sealed" },
    { name: "refusals", value: "SHARE", help: "of payments that are refused, 0 to 1 (default 0)" },
    {
      name: "rate",
      value: "N",
      help: "payments that arrive a second, however slow the answers; latency counts from then",
    },
    { name: "dir", value: "DIR", help: "where the logs go (default: the system's folder)" },
    jsonFlag,
  ],
  notes: [
    "Payments go in all directions between random accounts. Unless --via, --concurrency or --rate is given,",
    "two runs over HTTP follow those in process: 128 requests of one payment each, on connections that are",
    "kept, and 2,048 payments in batches. With --via batch each participant has one batch at a time, its",
    "share of what is in flight. With --rate, --concurrency is the most that is under way; what arrives",
    "beyond is not asked for. Latencies are of the committed.",
    "CPU time is that of one core: the coordinator's, all participants' together, and over HTTP all",
    "clients'. Figures of other programs' load are in it, too.",
    "A soak is one long run, such as --via http --concurrency 128 --seconds 1800: each window is told on",
    "stderr, then each third of the run, and how memory in the last compares with that in the second.",
    "The logs stay until the end: a million payments take 0.6 to 0.8 GB.",
  ],
  run: (args, io) => run(optionsIn(args), args, io),
};

async function run(options: BenchOptions, args: Arguments, io: Io): Promise<number> {
  const isJson = args.is("json");
  const report = new BenchReport();
  const isConserved = await runBench(options, {
    measured: (result) => {
      if (isJson) return io.out(JSON.stringify(result));
      for (const line of report.of(result)) io.out(line);
    },
    passed: (...window) => io.err(windowLine(...window)),
  });
  if (!isJson) {
    io.out(
      isConserved
        ? "conserved: all books add up, and no money came or went"
        : "NOT conserved: the books do not add up, or payments are still under way",
    );
  }
  return isConserved ? exitCode.done : exitCode.violation;
}

function optionsIn(args: Arguments): BenchOptions {
  return {
    participants: wholeIn(args, "participants", [2, participantsMax]) ?? 2,
    runs: runsIn(args),
    seconds: wholeIn(args, "seconds", [1, secondsMax]) ?? 4,
    warmupSeconds: wholeIn(args, "warmup", [0, secondsMax]),
    windowSeconds: wholeIn(args, "window", [1, secondsMax]) ?? 60,
    accounts: wholeIn(args, "accounts", [legsMax, accountsMax]) ?? 1_000,
    legs: wholeIn(args, "legs", [2, legsMax]) ?? 2,
    memo: args.is("memo"),
    refusals: shareIn(args.text("refusals") ?? "0"),
    rate: wholeIn(args, "rate", [1, rateMax]),
    dir: args.text("dir"),
  };
}

/** What is to be run, in that order. */
export function runsIn(args: Arguments): Run[] {
  const concurrencies = (args.text("concurrency") ?? concurrenciesDefault).split(",")
    .map((text) => parseWhole(text, [1, concurrencyMax], "--concurrency"));
  const isDefault = ["via", "concurrency", "rate"].every((flag) => args.text(flag) === undefined);
  const runs = viasIn(args).flatMap((via) =>
    concurrencies.map((concurrency) => ({ via, concurrency }))
  );
  if (args.text("rate") !== undefined && runs.some(({ via }) => via === "batch")) {
    throw new UsageError("--rate is of payments that arrive one by one: not with --via batch");
  }
  return isDefault ? [...runs, ...overHttpDefault] : runs;
}

function viasIn(args: Arguments): Via[] {
  return (args.text("via") ?? "submit").split(",").map((word) => {
    const via = vias.find((via) => via === word);
    if (via !== undefined) return via;
    throw new UsageError(`--via "${shortened(word)}" is none of ${vias.join(", ")}`);
  });
}

function shareIn(text: string): number {
  const share = /^(0|1|0?\.[0-9]{1,6}|1\.0+)$/.test(text) ? Number(text) : NaN;
  if (share >= 0 && share <= 1) return share;
  throw new UsageError(`--refusals "${shortened(text)}" is no share from 0 to 1, such as 0.05`);
}
