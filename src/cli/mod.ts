/** The command line: from arguments to a command and its exit code. */

import config from "../../deno.json" with { type: "json" };
import { messageOf, UsageError } from "../errors.ts";
import { acknowledge } from "./acknowledge.ts";
import { parseArguments } from "./arguments.ts";
import { balance } from "./balance.ts";
import type { Command } from "./command.ts";
import { card } from "./card.ts";
import { charge } from "./charge.ts";
import { completionsOf } from "./completions.ts";
import { csr } from "./csr.ts";
import { demo } from "./demo.ts";
import { doctor } from "./doctor.ts";
import { erase } from "./erase.ts";
import { exitCode } from "./exit_code.ts";
import { commandHelp, overview } from "./help.ts";
import { inDoubt } from "./in_doubt.ts";
import { init } from "./init.ts";
import { processIo } from "./io.ts";
import type { Io } from "./io.ts";
import { logKey } from "./log_key.ts";
import { pay } from "./pay.ts";
import { payment } from "./payment.ts";
import { payments } from "./payments.ts";
import { proof } from "./proof.ts";
import { readmit } from "./readmit.ts";
import { resolve } from "./resolve.ts";
import { role } from "./role.ts";
import { sign } from "./sign.ts";
import { benchWorker, serveBench } from "../bench/mod.ts";
import { bench } from "./bench.ts";
import { sim } from "./sim.ts";
import { status } from "./status.ts";
import { unknownWord } from "./suggestion.ts";
import { verify } from "./verify.ts";
import { verifyProof } from "./verify_proof.ts";

const commands: readonly Command[] = [
  init,
  csr,
  sign,
  logKey,
  role,
  demo,
  pay,
  charge,
  card,
  balance,
  payment,
  payments,
  status,
  inDoubt,
  resolve,
  acknowledge,
  readmit,
  erase,
  verify,
  proof,
  verifyProof,
  sim,
  bench,
  doctor,
  completionsOf(() => commands),
];

/** Runs the command in `argv` and resolves to the exit code; never rejects. */
export async function run(argv: readonly string[], io: Io = processIo): Promise<number> {
  try {
    return await dispatch(argv, io);
  } catch (thrown) {
    io.err(`handfast: ${messageOf(thrown)}`);
    return thrown instanceof UsageError ? exitCode.usage : exitCode.failed;
  }
}

async function dispatch(argv: readonly string[], io: Io): Promise<number> {
  const [first, ...rest] = argv;
  if (first === undefined) {
    io.err(overview(commands));
    return exitCode.usage;
  }
  if (first === benchWorker) {
    await serveBench(io.out);
    return exitCode.done;
  }
  if (helpWords.includes(first)) return help(rest, io);
  if (first === "--version") {
    const [extra] = rest;
    if (extra !== undefined) throw new UsageError(`unexpected "${extra}" after --version`);
    io.out(`handfast ${config.version}`);
    return exitCode.done;
  }
  // Flags without a command are those of a node: `--role` may stand anywhere among them.
  const command = first.startsWith("-") ? roleFor(argv) : commandNamed(first);
  const args = parseArguments(command === role ? argv : rest, command);
  if (args.wantsHelp) return help([command.name], io);
  return await command.run(args, io);
}

function help(words: readonly string[], io: Io): number {
  const [word, extra] = words;
  if (extra !== undefined) throw new UsageError(`unexpected "${extra}": help takes one command`);
  const isOverview = word === undefined || helpWords.includes(word);
  io.out(isOverview ? overview(commands) : commandHelp(commandNamed(word)));
  return exitCode.done;
}

const helpWords = ["help", "--help", "-h"];
const seeHelp = 'see "handfast help"';

function commandNamed(word: string): Command {
  const command = commands.find(({ name }) => name === word.split("=", 1)[0]);
  if (command !== undefined) return command;
  const runs = runsOf.get(word);
  if (runs !== undefined) throw new UsageError(`unknown command ${word}: ${runs}`);
  const known = [...commands.map(({ name }) => name), "help", "--version"];
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

function roleFor(argv: readonly string[]): Command {
  if (argv.some((arg) => arg === "--role" || arg.startsWith("--role="))) return role;
  const [first = ""] = argv;
  const typed = first.split("=", 1)[0] ?? first;
  if (role.flags.some(({ name }) => typed === `--${name}`)) {
    throw new UsageError(`${typed} needs a command before it, or --role=server|client beside it`);
  }
  throw unknownWord("flag", typed, ["--role", "--version", "--help"], seeHelp);
}
