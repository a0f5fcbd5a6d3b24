/** Signatures that stand for real ones where only their bytes count, and what was signed with them. */

import { createHash } from "node:crypto";
import type { Frame } from "../../src/codec/frame.ts";
import { isSigned, StatementList } from "../../src/codec/statement.ts";
import type { Message } from "../../src/protocol/message.ts";
import type { Batch, Proof } from "../../src/protocol/proof.ts";

/** 64 bytes, others for another list. */
export function stubSign(list: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha512").update(list).digest());
}

/** What a node states in a frame of these messages. */
export function batchOf(signer: string, ...messages: Message[]): Batch {
  const list = new StatementList();
  for (const message of messages) if (isSigned(message)) list.add(message);
  return { signer, list: list.bytes, signature: stubSign(list.bytes) };
}

/** Of a message that its sender states alone. */
export function proofOf(signer: string, message: Message): Proof {
  return { batch: batchOf(signer, message), index: 0 };
}

/** As many statements as there can be, all the same. */
export function batchBiggest(signer: string, message: Message): Batch {
  const list = new StatementList();
  while (list.add(message));
  return { signer, list: list.bytes, signature: stubSign(list.bytes) };
}

/** A frame's messages as they were sent: without the proofs that they have by being in it. */
export function asSent({ messages, batch }: Frame): Message[] {
  return messages.map((message) => {
    if (!batch || !("proof" in message) || message.proof?.batch !== batch) return message;
    const { proof: _, ...sent } = message;
    return sent;
  });
}
