/** The command line: from arguments to a command and its exit code. */

import config from "../../deno.json" with { type: "json" };
import { benchWorker } from "../bench/process.ts";
import { messageOf, shortened, UsageError } from "../errors.ts";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { completionsOf } from "./completions.ts";
import { exitCode } from "./exit_code.ts";
import { commandHelp, overview } from "./help.ts";
import { note, processIo } from "./io.ts";
import type { Io } from "./io.ts";
import { unknownWord } from "./suggestion.ts";

/** By their words. Each is loaded when it is used: most need little of what the program has. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  "init": async () => (await import("./init.ts")).init,
  "csr": async () => (await import("./csr.ts")).csr,
  "sign": async () => (await import("./sign.ts")).sign,
  "revoke": async () => (await import("./revoke.ts")).revoke,
  "log-key": async () => (await import("./log_key.ts")).logKey,
  "--role": async () => (await import("./role.ts")).role,
  "demo": async () => (await import("./demo.ts")).demo,
  "pay": async () => (await import("./pay.ts")).pay,
  "charge": async () => (await import("./charge.ts")).charge,
  "card": async () => (await import("./card.ts")).card,
  "account": async () => (await import("./account.ts")).account,
  "balance": async () => (await import("./balance.ts")).balance,
  "payment": async () => (await import("./payment.ts")).payment,
  "payments": async () => (await import("./payments.ts")).payments,
  "statement": async () => (await import("./statement.ts")).statement,
  "status": async () => (await import("./status.ts")).status,
  "in-doubt": async () => (await import("./in_doubt.ts")).inDoubt,
  "resolve": async () => (await import("./resolve.ts")).resolve,
  "acknowledge": async () => (await import("./acknowledge.ts")).acknowledge,
  "readmit": async () => (await import("./readmit.ts")).readmit,
  "restore": async () => (await import("./restore.ts")).restore,
  "erase": async () => (await import("./erase.ts")).erase,
  "verify": async () => (await import("./verify.ts")).verify,
  "export": async () => (await import("./export.ts")).exportCommand,
  "proof": async () => (await import("./proof.ts")).proof,
  "verify-proof": async () => (await import("./verify_proof.ts")).verifyProof,
  "sim": async () => (await import("./sim.ts")).sim,
  "bench": async () => (await import("./bench.ts")).bench,
  "doctor": async () => (await import("./doctor.ts")).doctor,
  "completions": () => Promise.resolve(completionsOf(allCommands)),
};

function allCommands(): Promise<Command[]> {
  return Promise.all(Object.values(commands).map((load) => load()));
}

/** Runs the command in `argv` and resolves to the exit code; never rejects. */
export async function run(argv: readonly string[], io: Io = processIo): Promise<number> {
  try {
    return await dispatch(argv, io);
  } catch (thrown) {
    note(io, `handfast: ${messageOf(thrown)}`);
    return thrown instanceof UsageError ? exitCode.usage : exitCode.failed;
  }
}

async function dispatch(argv: readonly string[], io: Io): Promise<number> {
  const [first, ...rest] = argv;
  if (first === undefined) {
    io.err(overview(await allCommands()));
    return exitCode.usage;
  }
  if (first === benchWorker) {
    const { serveBench } = await import("../bench/mod.ts");
    await serveBench(io.out);
    return exitCode.done;
  }
  if (helpWords.includes(first)) return await help(rest, io);
  if (first === "--version") {
    const [extra] = rest;
    if (extra !== undefined) {
      throw new UsageError(`unexpected "${shortened(extra)}" after --version`);
    }
    io.out(`handfast ${config.version}`);
    return exitCode.done;
  }
  // Flags without a command are those of a node: `--role` may stand anywhere among them.
  const isRole = first.startsWith("-");
  const command = isRole ? await roleFor(argv) : await commandNamed(first);
  const args = parseArguments(isRole ? argv : rest, command);
  if (args.wantsHelp) return await help([command.name], io);
  return await command.run(args, io);
}

async function help(words: readonly string[], io: Io): Promise<number> {
  const [word, extra] = words;
  if (extra !== undefined) {
    throw new UsageError(`unexpected "${shortened(extra)}": help takes one command`);
  }
  const isOverview = word === undefined || helpWords.includes(word);
  io.out(isOverview ? overview(await allCommands()) : commandHelp(await commandNamed(word)));
  return exitCode.done;
}

const helpWords = ["help", "--help", "-h"];
const seeHelp = 'see "handfast help"';

async function commandNamed(word: string): Promise<Command> {
  const [name = word] = word.split("=", 1);
  if (Object.hasOwn(commands, name)) return await commands[name]!();
  const runs = runsOf.get(word);
  if (runs !== undefined) throw new UsageError(`unknown command ${word}: ${runs}`);
  const known = [...Object.keys(commands), "help", "--version"];
  throw unknownWord("command", word, known, seeHelp);
}

/** Words by which others start a server: here flags do. */
const asServer = "handfast --role=server";
const asClient = "handfast --role=client --server HOST:PORT";
const runsOf: ReadonlyMap<string, string> = new Map([
  ["server", `a coordinator is run by: ${asServer}`],
  ["client", `a participant is run by: ${asClient}`],
  ...["run", "start"].map((word) =>
    [word, `nodes are run by: ${asServer}, or ${asClient}`] as const
  ),
]);

async function roleFor(argv: readonly string[]): Promise<Command> {
  const role = await commands["--role"]!();
  if (argv.some((arg) => arg === "--role" || arg.startsWith("--role="))) return role;
  const [first = ""] = argv;
  const typed = first.split("=", 1)[0] ?? first;
  if (role.flags.some(({ name }) => typed === `--${name}`)) {
    throw new UsageError(`${typed} needs a command before it, or --role=server|client beside it`);
  }
  throw unknownWord("flag", typed, ["--role", "--version", "--help"], seeHelp);
}
