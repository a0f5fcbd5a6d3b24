import { z } from "zod";
import { messageOf, UsageError } from "../errors.ts";
import { amountText } from "./amounts.ts";
import { accountAnswer } from "./answers.ts";
import { answerOf, lookUp } from "./api.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { exitCode } from "./exit_code.ts";
import type { Io } from "./io.ts";
import { linesOf } from "./lines.ts";
import { findNode, nodeFlags } from "./node_address.ts";
import type { NodeAddress } from "./node_address.ts";
import { send } from "./node_client.ts";
import { parseName } from "./values.ts";

const proofLine = z.object({ id: z.string(), proof: z.base64() });
const lastLine = z.object({ of: z.string(), payments: z.number() });
type Line = z.infer<typeof proofLine>;
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
const accountsAnswer = z.object({ accounts: z.array(accountAnswer) });

/** Of one request. */
const linesMax = 100;
const bytesMax = 1024 * 1024;
const answerMsMax = 120_000;

export const restore: Command = {
  name: "restore",
  summary: "give a participant's ledger back the payments that its log has lost",
  usage: ["restore FILE"],
  positionals: ["FILE"],
  flags: [
    { name: "card", value: "ACCOUNT", help: "from which the node's cards have paid, if any did" },
    ...nodeFlags,
    jsonFlag,
  ],
  notes: [
    "FILE is what the coordinator's owner has written by: handfast proof NAME --out FILE",
    "Nothing is taken on anybody's word: each payment has the node's own signed yes, and the",
    "coordinator's signed commit. What the ledger has already is left as it is, so that it can be done",
    "again. Accounts are to be opened before, with the balances that they were first opened with.",
  ],
  run: async (args, io) => {
    const file = args.positional("FILE");
    const card = args.text("card");
    const account = card === undefined ? undefined : parseName(card, "--card");
    const node = await findNode(args);
    // Nothing is restored of a file that is damaged, or not whole.
    const lines = await readable(file, io);
    const count = { restored: 0, known: 0, left: 0 };
    for await (const { id, result, why } of resultsOf(lines, account, node)) {
      if (result === "restored" || result === "known") count[result]++;
      else count.left++;
      if (args.is("json")) io.out(JSON.stringify({ id, result, why }));
      else if (result in reasons || why) io.err(`handfast: ${id}: ${why ?? reasons[result]}`);
    }
    if (!args.is("json")) {
      io.out(countText(count));
      await showBalances(node, io);
    }
    return count.left === 0 ? exitCode.done : exitCode.failed;
  },
};

/** Lines of a file, as often as they are wanted. */
type Lines = () => AsyncIterable<Line>;

/** What became of each, in the end: a payment may need what another has to bring first. */
async function* resultsOf(
  all: Lines,
  card: string | undefined,
  node: NodeAddress,
): AsyncIterable<Result> {
  let poor: Result[] = [];
  for (let lines = all, isLast = false; !isLast;) {
    const left: Result[] = [];
    let restored = 0;
    for await (const some of groups(lines())) {
      for (const [index, { result, why }] of (await ask(some, card, node)).entries()) {
        const one = { ...some[index]!, result, why };
        if (result === "restored") restored++;
        if (result === "insufficient_funds") left.push(one);
        else yield one;
      }
    }
    poor = left;
    lines = async function* () {
      yield* left;
    };
    isLast = restored === 0 || left.length === 0;
  }
  yield* poor;
}

/** To be compared with the last statement: what an account was opened with, no other log tells. */
async function showBalances(node: NodeAddress, io: Io): Promise<void> {
  const reply = await lookUp(node, { method: "GET", path: "/v1/accounts?limit=20" });
  const { accounts } = answerOf(node, reply, accountsAnswer);
  const text = accounts.map(({ account, posted, currency }) =>
    `${account} ${amountText(posted, currency)}`
  );
  if (text.length > 0) io.out(`balances now: ${text.join(", ")}`);
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
  in_doubt: "another order of its id is in doubt here: link the node first, and restore again",
  forced: "an operator has decided it here: a link brings the real decision, which is compared",
  decided_otherwise: "this log says that it came to something else: compare the logs by verify",
  of_card:
    "a card of this node paid, and only the lost log said from which account: say that by --card",
  account_not_found:
    "its account is not open here: open it with the balance that it was first opened with",
  currency_mismatch: "its account is open here in another currency",
  insufficient_funds: "its account has not what it pays: was it opened with its first balance?",
};

/**
 * The lines of a file, once all of them have been looked at.
 *
 * @throws {UsageError} if it is none that was written to its end
 */
async function readable(file: string, io: Io): Promise<Lines> {
  // What comes on stdin comes once.
  const kept: Line[] = [];
  const lines = file === "-"
    ? io.inputLines()
    : () => Deno.open(file).then((one) => linesOf(one.readable));
  let count = 0;
  let last: z.infer<typeof lastLine> | undefined;
  try {
    for await (const text of typeof lines === "function" ? await lines() : lines) {
      count++;
      if (last) throw new SyntaxError("more after the last line");
      const value: unknown = JSON.parse(text);
      last = lastLine.safeParse(value).data;
      if (last) continue;
      const one = proofLine.parse(value);
      if (file === "-") kept.push(one);
    }
  } catch (thrown) {
    const isOfLine = thrown instanceof SyntaxError || thrown instanceof z.ZodError;
    const why = isOfLine
      ? `line ${count} is none of those that "handfast proof NAME" writes`
      : messageOf(thrown);
    throw new UsageError(`cannot read "${file}": ${why}; nothing was restored`);
  }
  if (last?.payments !== count - 1) {
    throw new UsageError(
      `"${file}" is not whole, as it has no last line that counts it: nothing was restored; ` +
        'write it again by "handfast proof NAME"',
    );
  }
  if (file === "-") {
    return async function* () {
      yield* kept;
    };
  }
  return async function* () {
    for await (const text of linesOf((await Deno.open(file)).readable)) {
      const { data } = proofLine.safeParse(JSON.parse(text));
      if (data) yield data;
    }
  };
}

async function* groups(lines: AsyncIterable<Line>): AsyncIterable<readonly Line[]> {
  let group: Line[] = [];
  let bytes = 0;
  for await (const one of lines) {
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

async function ask(lines: readonly Line[], card: string | undefined, node: NodeAddress) {
  const body = { proofs: lines.map(({ proof }) => proof), card };
  const request = { method: "POST", path: "/v1/restore", body, timeoutMs: answerMsMax } as const;
  return answerOf(node, await send(node, request), restoreAnswer).results;
}
