import { z } from "zod";
import { messageOf, UsageError } from "../errors.ts";
import { answerOf } from "./api.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { exitCode } from "./exit_code.ts";
import type { Io } from "./io.ts";
import { linesOf } from "./lines.ts";
import { findNode, nodeFlags } from "./node_address.ts";
import type { NodeAddress } from "./node_address.ts";
import { send } from "./node_client.ts";

const line = z.object({ id: z.string(), proof: z.base64() });
type Line = z.infer<typeof line>;
interface Result extends Line {
  readonly result: string;
  readonly why?: string;
}
const restoreAnswer = z.object({
  results: z.array(z.object({
    id: z.string().optional(),
    result: z.string(),
    why: z.string().optional(),
  })),
});

/** Of one request. */
const linesMax = 100;
const bytesMax = 1024 * 1024;
const answerMsMax = 120_000;

export const restore: Command = {
  name: "restore",
  summary: "give a participant's ledger back the payments that its log has lost",
  usage: ["restore FILE"],
  positionals: ["FILE"],
  flags: [...nodeFlags, jsonFlag],
  notes: [
    "FILE is what the coordinator's owner has written by: handfast proof NAME --out FILE",
    "Nothing is taken on anybody's word: each payment has the node's own signed yes, and the",
    "coordinator's signed commit. What the ledger has already is left as it is, so that it can be done",
    "again. Accounts are to be opened before, with the balances that they were first opened with.",
  ],
  run: async (args, io) => {
    const file = args.positional("FILE");
    const node = await findNode(args);
    const count = { restored: 0, known: 0, left: 0 };
    for await (const { id, result, why } of resultsOf(await readLines(file, io), node)) {
      if (result === "restored" || result === "known") count[result]++;
      else count.left++;
      if (args.is("json")) io.out(JSON.stringify({ id, result, why }));
      else if (result in reasons || why) io.err(`handfast: ${id}: ${why ?? reasons[result]}`);
    }
    if (!args.is("json")) io.out(countText(count));
    return count.left === 0 ? exitCode.done : exitCode.failed;
  },
};

/** What became of each, in the end: a payment may need what another has to bring first. */
async function* resultsOf(lines: readonly Line[], node: NodeAddress): AsyncIterable<Result> {
  let poor: Result[] = [];
  for (let left = lines, isLast = false; !isLast; left = poor) {
    poor = [];
    let restored = 0;
    for (const some of groups(left)) {
      for (const [index, { result, why }] of (await ask(some, node)).entries()) {
        const one = { ...some[index]!, result, why };
        if (result === "restored") restored++;
        if (result === "insufficient_funds") poor.push(one);
        else yield one;
      }
    }
    isLast = restored === 0 || poor.length === 0;
  }
  yield* poor;
}

function countText(count: Readonly<Record<"restored" | "known" | "left", number>>): string {
  const { restored, known, left } = count;
  const payments = restored === 1 ? "1 payment" : `${restored} payments`;
  const were = known === 1 ? "was" : "were";
  const rest = left > 0 ? `, and ${left} could not be restored` : "";
  return `restored ${payments}; ${known} more ${were} in the ledger already${rest}`;
}

/** Of what can't be restored. */
const reasons: Readonly<Record<string, string>> = {
  in_doubt: "it is in doubt here, and posts by itself once the node is linked",
  decided_otherwise: "this log says that it came to something else: compare the logs by verify",
  of_card:
    "a card of this node paid, and only the lost log said from which account: put that right by hand",
  account_not_found:
    "its account is not open here: open it with the balance that it was first opened with",
  currency_mismatch: "its account is open here in another currency",
  insufficient_funds: "its account has not what it pays: was it opened with its first balance?",
};

async function readLines(file: string, io: Io): Promise<Line[]> {
  const lines: Line[] = [];
  let number = 0;
  try {
    for await (
      const text of file === "-" ? io.inputLines() : linesOf((await Deno.open(file)).readable)
    ) {
      number++;
      if (text.trim() === "") continue;
      lines.push(line.parse(JSON.parse(text)));
    }
  } catch (thrown) {
    const isOfLine = thrown instanceof SyntaxError || thrown instanceof z.ZodError;
    const why = isOfLine
      ? `line ${number} is none of those that "handfast proof NAME" writes`
      : messageOf(thrown);
    throw new UsageError(`cannot read "${file}": ${why}; nothing was restored`);
  }
  if (lines.length === 0) throw new UsageError(`"${file}" holds no payment`);
  return lines;
}

function* groups(lines: readonly Line[]): Iterable<readonly Line[]> {
  let group: Line[] = [];
  let bytes = 0;
  for (const one of lines) {
    if (group.length === linesMax || (group.length > 0 && bytes + one.proof.length > bytesMax)) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(one);
    bytes += one.proof.length;
  }
  if (group.length > 0) yield group;
}

async function ask(lines: readonly Line[], node: NodeAddress) {
  const body = { proofs: lines.map(({ proof }) => proof) };
  const request = { method: "POST", path: "/v1/restore", body, timeoutMs: answerMsMax } as const;
  return answerOf(node, await send(node, request), restoreAnswer).results;
}
