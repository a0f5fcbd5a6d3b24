/** `proof NAME`: what a participant is restored from, as the coordinator's log has it. */

import { z } from "zod";
import { UsageError } from "../errors.ts";
import { exists } from "../keys/folder.ts";
import { listLimitMax } from "../limits.ts";
import { paymentAnswer, statusAnswer } from "./answers.ts";
import { answerOf, lookUp } from "./api.ts";
import type { NodeAddress } from "./node_address.ts";

const page = z.object({ payments: z.array(paymentAnswer), next: z.string().optional() });
const proofAnswer = z.object({ id: z.string(), proof: z.base64() });
/** Certificates that are asked for at a time. */
const askedAtOnce = 16;

/**
 * Writes the certificate of each payment that was committed with a participant, oldest first, as lines of JSON
 * like the API's answer, and last how many they are. Resolves to that.
 *
 * @throws {UsageError} if the node asked is no coordinator, or knows no such participant, or the file exists
 */
export async function writeProofsOf(
  participant: string,
  out: string,
  node: NodeAddress,
): Promise<number> {
  const reply = await lookUp(node, { method: "GET", path: "/v1/status" });
  const { name, role, peers } = answerOf(node, reply, statusAnswer);
  if (role !== "coordinator") {
    throw new UsageError(
      `"${name}" is a participant, which has not what others signed for "${participant}": ask the ` +
        "coordinator",
    );
  }
  if (!peers.some((peer) => peer.name === participant)) {
    const known = peers.map((peer) => peer.name).join(", ");
    throw new UsageError(`"${name}" knows no participant "${participant}", but ${known || "none"}`);
  }
  if (await exists(out)) throw new UsageError(`"${out}" exists: name another file with --out`);
  const ids = await committedWith(participant, node);
  // Half of them must not be taken for all.
  const unfinished = `${out}.new`;
  await Deno.writeTextFile(unfinished, "", { mode: 0o600 });
  const write = (lines: readonly unknown[]) => {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    return Deno.writeTextFile(unfinished, text, { append: true });
  };
  for (let at = 0; at < ids.length; at += askedAtOnce) {
    const some = ids.slice(at, at + askedAtOnce);
    await write(await Promise.all(some.map((id) => proofOf(id, node))));
  }
  await write([{ of: participant, payments: ids.length }]);
  await Deno.rename(unfinished, out);
  return ids.length;
}

/** The newest come first from the node; a ledger is restored in the order in which it was made. */
async function committedWith(participant: string, node: NodeAddress): Promise<string[]> {
  const ids: string[] = [];
  let next: string | undefined;
  do {
    const query = new URLSearchParams({ limit: `${listLimitMax}` });
    if (next !== undefined) query.set("cursor", next);
    const reply = await lookUp(node, { method: "GET", path: `/v1/payments?${query}` });
    const { payments, next: following } = answerOf(node, reply, page);
    for (const { id, state, legs } of payments) {
      const isTheirs = legs.some(({ account }) => account.endsWith(`@${participant}`));
      if (state === "committed" && isTheirs) ids.push(id);
    }
    next = following;
  } while (next !== undefined);
  return ids.reverse();
}

async function proofOf(id: string, node: NodeAddress) {
  const path = `/v1/payments/${id}/proof?entry=false`;
  return answerOf(node, await lookUp(node, { method: "GET", path }), proofAnswer);
}
