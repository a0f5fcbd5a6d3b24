/** What stands beside a log's entries: the details of payments, which can be erased as no entry can. */

import { encodeStoredDetails } from "../codec/details.ts";
import type { SealedDetails } from "../protocol/details.ts";
import type { PaymentId } from "../protocol/id.ts";
import type { Order } from "../protocol/order.ts";
import type { LogRecord } from "../protocol/record.ts";
import type { StorageKey, Write } from "./storage.ts";
import { isWiped } from "./stored.ts";

/** A payment's details, and the latest order that had some. */
export interface Standing {
  readonly key: StorageKey;
  readonly order: Order;
  readonly value: Uint8Array | undefined;
  /** No later attempt was prepared, one that told nothing. */
  readonly isLatest: boolean;
}

/** The payment for which a record has details beside it. */
export function detailsOf(record: LogRecord): PaymentId | undefined {
  return record.type === "prepared" && record.hasDetails ? record.order.payment : undefined;
}

/**
 * What an entry changes beside the log. A payment's details stand once, with its latest attempt that had
 * some; those before are wiped, as are those that are erased.
 */
export class Beside {
  readonly #writes = new Map<PaymentId, Write[]>();
  readonly #standing: (payment: PaymentId) => Promise<Standing | undefined>;

  constructor(standing: (payment: PaymentId) => Promise<Standing | undefined>) {
    this.#standing = standing;
  }

  /** @param details nothing where they are erased */
  async replace(
    payment: PaymentId,
    key: StorageKey,
    details: readonly SealedDetails[] | undefined,
  ): Promise<void> {
    const writes = this.#writes.get(payment) ?? await this.#wipe(payment);
    // What this same entry was to store has not got anywhere yet.
    const wiping = writes.filter(({ isWiping }) => isWiping);
    const value = details && encodeStoredDetails({ payment, details });
    this.#writes.set(payment, value ? [...wiping, { key, value }] : wiping);
  }

  writes(): Iterable<Write> {
    return [...this.#writes.values()].flat();
  }

  async #wipe(payment: PaymentId): Promise<Write[]> {
    const { key, value } = await this.#standing(payment) ?? {};
    if (!key || !value || isWiped(value)) return [];
    return [{ key, value: new Uint8Array(value.length), isWiping: true }];
  }
}
