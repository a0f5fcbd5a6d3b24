/** What both roles keep of their node and its network. */

import type { Epoch } from "./id.ts";
import type { Address, Introduction } from "./message.ts";
import { sameBytes } from "./order.ts";
import type { Genesis, LogRecord, NodeRecord } from "./record.ts";

export class Membership {
  genesis: Genesis | undefined;
  /** Of every start of this node, the present one last: index is counter - 1. */
  readonly epochs: Epoch[] = [];
  readonly #nodes = new Map<string, Address>();

  apply(record: NodeRecord): void {
    switch (record.type) {
      case "genesis":
        this.genesis = record;
        return;
      case "started":
        this.epochs.push(record.epoch);
        return;
      case "introduced": {
        const { name, address, introduction } = record;
        const known = introduction ?? this.introductionOf(name);
        this.#nodes.set(name, { name, address, introduction: known });
        return;
      }
      // The log itself keeps what was seen of peers, and where its checkpoints stand.
      case "readmitted":
      case "checkpointed":
        return;
      default:
        record satisfies never;
    }
  }

  get epoch(): Epoch | undefined {
    return this.epochs.at(-1);
  }

  hasEpoch(epoch: Epoch): boolean {
    return this.epochs[epoch.counter - 1]?.nonce === epoch.nonce;
  }

  knows(name: string): boolean {
    return this.#nodes.has(name);
  }

  addressOf(name: string): string | undefined {
    return this.#nodes.get(name)?.address;
  }

  introductionOf(name: string): Introduction | undefined {
    return this.#nodes.get(name)?.introduction;
  }

  /** Whether a node is unknown, or known otherwise. */
  isNews({ name, address, introduction }: Address): boolean {
    const known = this.#nodes.get(name);
    if (known?.address !== address) return true;
    return introduction !== undefined && !sameIntroduction(known.introduction, introduction);
  }

  names(): IteratorObject<string> {
    return this.#nodes.keys();
  }

  directory(): Address[] {
    return [...this.#nodes.values()];
  }

  /** The records that make this state. */
  *snapshot(): Iterable<LogRecord> {
    if (this.genesis) yield this.genesis;
    for (const epoch of this.epochs) yield { type: "started", epoch };
    for (const node of this.directory()) yield { type: "introduced", ...node };
  }
}

export function sameIntroduction(a: Introduction | undefined, b: Introduction): boolean {
  return a !== undefined && sameBytes(a.certificate, b.certificate) &&
    sameBytes(a.voucher, b.voucher);
}
