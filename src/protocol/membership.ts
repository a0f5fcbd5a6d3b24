/** What both roles keep of their node and its network. */

import type { Epoch } from "./id.ts";
import type { Address } from "./message.ts";
import type { Genesis, LogRecord, NodeRecord } from "./record.ts";

export class Membership {
  genesis: Genesis | undefined;
  /** Of every start of this node, the present one last: index is counter - 1. */
  readonly epochs: Epoch[] = [];
  readonly #addresses = new Map<string, string>();

  apply(record: NodeRecord): void {
    switch (record.type) {
      case "genesis":
        this.genesis = record;
        return;
      case "started":
        this.epochs.push(record.epoch);
        return;
      case "introduced":
        this.#addresses.set(record.name, record.address);
        return;
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
    return this.#addresses.has(name);
  }

  addressOf(name: string): string | undefined {
    return this.#addresses.get(name);
  }

  directory(): Address[] {
    return [...this.#addresses].map(([name, address]) => ({ name, address }));
  }

  /** The records that make this state. */
  *snapshot(): Iterable<LogRecord> {
    if (this.genesis) yield this.genesis;
    for (const epoch of this.epochs) yield { type: "started", epoch };
    for (const node of this.directory()) yield { type: "introduced", ...node };
  }
}
