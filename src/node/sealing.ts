/** Details at both ends of their way: sealed where a payment is ordered, opened where it is told. */

import {
  areDetailsOf,
  decodeDetails,
  detailsBinding,
  detailsHashOf,
  encodeDetails,
  sealedFor,
} from "../codec/details.ts";
import { encodeOrder } from "../codec/order.ts";
import { FormatError } from "../errors.ts";
import type { DetailsFor, OpenedDetails, SealedDetails } from "../protocol/details.ts";
import type { Introduction } from "../protocol/message.ts";
import type { Order } from "../protocol/order.ts";
import type { Sent } from "../protocol/own_orders.ts";

/** By a node's own keys. The simulator has its own, without keys. */
export interface Sealing {
  /** Seals to the node of an introduction that has been checked. */
  seal(to: Introduction, binding: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array>;
  /**
   * The same is sealed as the same bytes, also after a restart, so that an order sent again is the order
   * that was sent.
   */
  sealRepeatably(to: Introduction, binding: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array>;
  /** Nothing where it was sealed to another node, bound to something else, or changed. */
  open(binding: Uint8Array, sealed: Uint8Array): Promise<Uint8Array | undefined>;
  /** A hash, hexadecimal, by which nobody without this node's keys can try what was hashed. */
  digest(text: string): string;
}

/**
 * An order that tells each recipient what it is to know, with what is told.
 *
 * @param introductionOf of each recipient
 */
export async function sealOrder(
  sealing: Sealing,
  introductionOf: (name: string) => Introduction,
  order: Pick<Order, "payment" | "originator" | "legs">,
  details: readonly DetailsFor[],
): Promise<Sent> {
  const inOrder = [...details].sort((a, b) => a.recipient < b.recipient ? -1 : 1);
  const sealed = await Promise.all(inOrder.map(async ({ recipient, details }) => {
    const binding = detailsBinding(order, recipient);
    const plaintext = encodeDetails(details);
    const to = introductionOf(recipient);
    // A CVV has a thousand values: its hash stays in logs, and nobody shall be able to try them.
    const sealed = details.card
      ? await sealing.seal(to, binding, plaintext)
      : await sealing.sealRepeatably(to, binding, plaintext);
    return sealedFor(recipient, sealed);
  }));
  return { order: encodeOrder({ ...order, detailsHash: detailsHashOf(sealed) }), details: sealed };
}

/** What `name` is told; nothing where it is told nothing. */
export async function openDetails(
  sealing: Sealing,
  name: string,
  order: Order,
  details: readonly SealedDetails[] | undefined,
): Promise<OpenedDetails | undefined> {
  // With any of it swapped or left out it can't know what it was to be told.
  if (!areDetailsOf(order, details)) return "unreadable";
  const own = details?.find(({ recipient }) => recipient === name);
  if (!own) return undefined;
  const bytes = own.sealed && await sealing.open(detailsBinding(order, name), own.sealed);
  try {
    return bytes ? decodeDetails(bytes) : "unreadable";
  } catch (error) {
    if (error instanceof FormatError) return "unreadable";
    throw error;
  }
}
