/** What stands beside a log, against what its records say of it. */

import { areDetailsOf, decodeStoredDetails } from "../codec/details.ts";
import type { Entry } from "../codec/record.ts";
import { FormatError, IntegrityError } from "../errors.ts";
import type { Storage } from "../log/storage.ts";
import { isWiped } from "../log/stored.ts";
import type { PaymentId } from "../protocol/id.ts";
import type { Order } from "../protocol/order.ts";
import type { Chain } from "./chain.ts";
import type { Findings } from "./findings.ts";

/** Details that stand with an entry's record, or stood. */
interface Expected extends Pick<Order, "payment" | "detailsHash"> {
  readonly number: number;
  readonly index: number;
  /** The entry by which they were erased. */
  erased?: number;
}

export class DetailsCheck {
  readonly #chain: Chain;
  readonly #storage: Storage;
  readonly #findings: Findings;
  /** Of each payment those of its latest attempt that had some. */
  readonly #expected = new Map<PaymentId, Expected>();

  constructor(chain: Chain, storage: Storage, findings: Findings) {
    this.#chain = chain;
    this.#storage = storage;
    this.#findings = findings;
  }

  add(entry: Entry): void {
    const { number, records } = entry;
    for (const [index, record] of records.entries()) {
      if (record.type === "erased") {
        const expected = this.#expected.get(record.payment);
        if (expected) expected.erased = number;
        else this.#violation(`entry ${number} erases what was never there, of ${record.payment}`);
      } else if (record.type === "prepared" && record.hasDetails) {
        const { payment, detailsHash } = record.order;
        this.#expected.set(payment, { payment, detailsHash, number, index });
      }
    }
  }

  async finish(): Promise<void> {
    const { name, isWhole } = this.#chain;
    if (!isWhole) {
      return this.#findings.notChecked(`details at ${name}: its log can't be read to its end`);
    }
    const expected = new Map([...this.#expected.values()].map((one) => [placeOf(one), one]));
    try {
      for await (const { key, value } of this.#storage.listFrom("details", ["details"])) {
        if (isWiped(value)) continue;
        const [, number = 0, index = 0] = key;
        const place = placeOf({ number, index });
        const one = expected.get(place);
        expected.delete(place);
        if (one) this.#checkValue(one, value);
        else this.#violation(`beside entry ${number} stand details that no record speaks of`);
      }
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      return this.#violation(`its details can't be read: ${error.message}`);
    }
    for (const { payment, number, erased } of expected.values()) {
      if (erased) continue;
      this.#violation(`the details of ${payment}, stored with entry ${number}, are gone`);
    }
  }

  #checkValue({ payment, detailsHash, number, erased }: Expected, value: Uint8Array): void {
    const what = `the details of ${payment}, stored with entry ${number},`;
    if (erased) return this.#violation(`${what} are there, though entry ${erased} erased them`);
    try {
      const stored = decodeStoredDetails(value);
      const own = stored.details.find(({ recipient }) => recipient === this.#chain.name);
      const isOwn = stored.payment === payment && own?.sealed !== undefined;
      if (isOwn && areDetailsOf({ detailsHash }, stored.details)) return;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
    this.#violation(`${what} are not those of its order`);
  }

  #violation(what: string): void {
    this.#findings.violation("details", `${this.#chain.name}: ${what}`);
  }
}

function placeOf({ number, index }: Pick<Expected, "number" | "index">): string {
  return `${number}/${index}`;
}
