import { messageOf, UsageError } from "../errors.ts";
import { proofBytesMax } from "../limits.ts";
import type { Proven } from "../proof/check.ts";
import { checkPaymentProof, ProofError } from "../proof/check.ts";
import { addressOf, legJson } from "../protocol/order.ts";
import { amountText } from "./amounts.ts";
import { caFlag, readCa } from "./ca_file.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { exitCode } from "./exit_code.ts";
import type { Style } from "./style.ts";

export const verifyProof: Command = {
  name: "verify-proof",
  summary: "check the certificate of a payment, with the network's CA certificate alone",
  usage: ["verify-proof FILE --ca FILE"],
  positionals: ["FILE"],
  flags: [
    caFlag,
    jsonFlag,
  ],
  notes: ["FILE may be -, which reads stdin, as from: handfast proof PAYMENT --out -"],
  run: async (args, io) => {
    const file = args.positional("FILE");
    const bytes = file === "-" ? await io.inputBytes(proofBytesMax) : await read(file);
    if (file === "-" && bytes.length === 0) {
      // Nobody has claimed anything by it: it is no proof that does not hold.
      throw new Error(
        "nothing came on stdin: did the command fail that was to write the proof to it?",
      );
    }
    const ca = args.required("ca");
    const authority = await readCa(ca);
    try {
      if (bytes.length > proofBytesMax) {
        throw new ProofError(`it is longer than ${proofBytesMax} bytes, which no proof is`);
      }
      const proven = await checkPaymentProof(bytes, authority);
      if (args.is("json")) io.out(JSON.stringify({ holds: true, ...json(proven) }));
      else for (const line of lines(proven, io.style)) io.out(line);
      return exitCode.done;
    } catch (error) {
      if (!(error instanceof ProofError)) throw error;
      if (args.is("json")) io.out(JSON.stringify({ holds: false, reason: error.message }));
      else io.out(`"${file}" proves nothing: ${error.message}`);
      return exitCode.violation;
    }
  },
};

async function read(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    throw new UsageError(`Cannot read "${path}": ${messageOf(error)}`);
  }
}

function json(proven: Proven) {
  const { order: { payment, originator, legs }, state, code, transaction } = proven;
  const { votes, coordinator, writer, place: { number, atMs }, hasEntry } = proven;
  return {
    id: payment,
    state,
    code,
    originator,
    transaction,
    legs: legs.map(legJson),
    votes,
    coordinator,
    writer,
    entry: { number, at: new Date(atMs).toISOString(), shown: hasEntry },
  };
}

function lines(proven: Proven, style: Style): string[] {
  const { order, transaction, state, code, writer, coordinator, votes, place, hasEntry } = proven;
  const outcome = {
    committed: `payment ${order.payment} was committed`,
    aborted: `payment ${order.payment} was aborted (${code})`,
    attempt_aborted: `transaction ${transaction} of payment ${order.payment} was aborted`,
  }[state];
  const decision = state === "committed" ? "committed" : "aborted";
  const at = new Date(place.atMs).toISOString();
  const voted = votes.length > 0 ? `${votes.join(" and ")} signed yes to exactly this` : "no vote";
  return [
    style.paint("good", `It holds: ${outcome}.`),
    ...style.table(
      order.legs.map((leg) => [`  ${addressOf(leg)}`, amountText(leg.amount, leg.currency)]),
      false,
    ),
    `It proves: ${order.originator} signed this order; in transaction ${transaction} ${voted}; and ` +
    `${coordinator}, the coordinator, signed that it is ${decision}. All of their keys are vouched ` +
    "for by certificates of this CA.",
    `${writer} signed that its log has it in entry ${place.number}, of ${at} by its own clock` +
    `${hasEntry ? "; the entry is here, and holds it" : ""}.`,
    notProven[state],
    ...writer === coordinator || state !== "committed"
      ? []
      : ["The other participants' votes are in the coordinator's certificate of it."],
  ];
}

const notProven: Readonly<Record<Proven["state"], string>> = {
  committed:
    "It does not prove that a participant has posted it by now, nor what any account holds.",
  aborted: "It does not prove that no other payment took its place.",
  attempt_aborted:
    "It does not prove that the payment never committed: another transaction may have done so. Ask " +
    "the coordinator.",
};
