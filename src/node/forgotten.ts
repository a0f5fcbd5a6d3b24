/** What a peer may have forgotten that has come back with an older log than was seen of it. */

import type { LostPayments } from "../http/node_api.ts";
import { listRecordsMax } from "../limits.ts";
import type { Log } from "../log/log.ts";
import type { LogRecord } from "../protocol/record.ts";
import type { VectorClock } from "../protocol/vector_clock.ts";
import { entryReadRecords, orderIn } from "./payment_list.ts";

/** What a peer that was refused for amnesia has said of its log. */
export interface Forgetful {
  /** Its last entry. */
  readonly ends: number;
  /** The last entry of this node's log that it knows of. */
  readonly known: number;
}

/** Peers refused for amnesia, until each is linked or readmitted. */
export class ForgetfulPeers {
  readonly #name: string;
  readonly #peers = new Map<string, Forgetful>();

  /** @param name of the node that refuses them */
  constructor(name: string) {
    this.#name = name;
  }

  /** From others a peer may hear of entries before it is refused again, whose payments it lacks all the same. */
  refused(peer: string, clock: VectorClock): void {
    const known = Math.min(clock.get(this.#name) ?? 0, this.get(peer)?.known ?? Infinity);
    this.#peers.set(peer, { ends: clock.get(peer) ?? 0, known });
  }

  get(peer: string): Forgetful | undefined {
    return this.#peers.get(peer);
  }

  delete(peer: string): void {
    this.#peers.delete(peer);
  }
}

/**
 * Counts the records of this node's log after entry `known`, the last that the peer's log knows of, by which
 * payments were made that the peer may lack. The log is read from its end, and no further than for a list of
 * payments. Where `known` may be a number of another log than this one and the peer's, these are not all:
 * one of the two was lost before, as the number itself shows, or a `readmitted` that is read.
 */
export async function lostPayments(
  log: Log,
  known: number,
  isLacked: (record: LogRecord) => boolean,
): Promise<LostPayments> {
  let [count, among, read] = [0, 0, 0];
  let sinceMs: number | undefined;
  let isOfThisLog = known <= log.head.number;
  let number = log.head.number;
  while (number > (isOfThisLog ? 0 : known) && read <= listRecordsMax) {
    const { records, atMs } = await log.entry(number);
    read += entryReadRecords + records.length;
    if (records.some(({ type }) => type === "readmitted")) isOfThisLog = false;
    if (number > known) {
      sinceMs = atMs;
      among += records.filter((record) => orderIn(record)).length;
      count += records.filter(isLacked).length;
    }
    number--;
  }
  return { count, among, sinceMs, isAll: isOfThisLog && number <= known };
}
