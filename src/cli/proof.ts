import { z } from "zod";
import { UsageError } from "../errors.ts";
import { isName } from "../names.ts";
import { answerOf, lookUp, printBody } from "./api.ts";
import type { Arguments } from "./arguments.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { exitCode } from "./exit_code.ts";
import type { Io } from "./io.ts";
import { findNode, nodeFlags } from "./node_address.ts";
import { writeProofsOf } from "./proofs_of.ts";
import { parseId } from "./values.ts";

const proofAnswer = z.object({ id: z.string(), proof: z.base64() });

export const proof: Command = {
  name: "proof",
  summary: "write the certificate of a payment, for somebody who trusts none of the nodes",
  usage: ["proof PAYMENT [--out FILE] [--without-entry]", "proof NAME [--out FILE]"],
  positionals: ["PAYMENT"],
  flags: [
    {
      name: "without-entry",
      help: "leave out the log's entry, which holds all that was stored in the same moment",
    },
    { name: "out", value: "FILE", help: "where to write it (default PAYMENT.proof); - is stdout" },
    ...nodeFlags,
    jsonFlag,
  ],
  notes: [
    "With its entry it also shows the other payments that the node stored in the same moment.",
    "It is checked by: handfast verify-proof FILE --ca ca.pem",
    "The coordinator's has every participant's vote, a participant's its own and the decision.",
    "With the NAME of a participant the coordinator's of all payments committed with it are written,",
    "by which its ledger can be restored where its data folder is lost (default: NAME.proofs).",
  ],
  run: async (args, io) => {
    const of = args.positional("PAYMENT");
    // No id is as short as names are.
    if (isName(of)) return await runOf(of, args, io);
    const id = parseId(args.positional("PAYMENT"), "PAYMENT");
    const out = args.text("out") ?? `${id}.proof`;
    if (out === "-" && args.is("json")) {
      throw new UsageError("--json and --out - both write to stdout: give one of them");
    }
    const node = await findNode(args);
    const query = args.is("without-entry") ? "?entry=false" : "";
    const reply = await lookUp(node, { method: "GET", path: `/v1/payments/${id}/proof${query}` });
    if (args.is("json")) printBody(reply, io);
    const bytes = Uint8Array.fromBase64(answerOf(node, reply, proofAnswer).proof);
    if (out === "-") {
      await io.outBytes(bytes);
      return exitCode.done;
    }
    try {
      await Deno.writeFile(out, bytes, { createNew: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      throw new UsageError(`"${out}" exists: name another file with --out`);
    }
    if (!args.is("json")) io.out(`wrote ${out}: ${bytes.length} bytes`);
    return exitCode.done;
  },
};

async function runOf(of: string, args: Arguments, io: Io): Promise<number> {
  const out = args.text("out") ?? `${of}.proofs`;
  if (args.is("without-entry") || out === "-") {
    const what = out === "-" ? "--out -" : "--without-entry";
    throw new UsageError(
      `${what} does not go with the payments of "${of}", which are written to a file, without entries`,
    );
  }
  const count = await writeProofsOf(of, out, await findNode(args));
  if (args.is("json")) io.out(JSON.stringify({ of, file: out, payments: count }));
  else io.out(`wrote ${out}: ${count} ${count === 1 ? "payment" : "payments"} of ${of}`);
  return exitCode.done;
}
