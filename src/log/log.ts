/**
 * A node's log: entries chained by their hashes, never deleted; a checkpoint that shortens replay; and
 * an index by which what left memory is found again.
 */

import { toHex } from "../bytes.ts";
import { decodeStoredDetails } from "../codec/details.ts";
import type { Entry, Witness } from "../codec/record.ts";
import { decodeEntry, encodeEntry } from "../codec/record.ts";
import { hashBytes } from "../codec/values.ts";
import { IntegrityError, invariant, messageOf } from "../errors.ts";
import { entriesKept, unusedKeysMax } from "../limits.ts";
import type { SealedDetails } from "../protocol/details.ts";
import type { Frozen } from "../protocol/frozen.ts";
import type { PaymentId } from "../protocol/id.ts";
import type { Order } from "../protocol/order.ts";
import type { EntryContext, LogRecord } from "../protocol/record.ts";
import type { Found, LookUpKey } from "../protocol/step.ts";
import type { VectorClock } from "../protocol/vector_clock.ts";
import { emptyClock } from "../protocol/vector_clock.ts";
import { sha256 } from "../sha256.ts";
import type { Standing } from "./beside.ts";
import { Beside, detailsOf } from "./beside.ts";
import { Checkpoint, commitInPieces, replayState } from "./checkpoint.ts";
import { LookUpIndex, lookUpKeyOf } from "./look_up_index.ts";
import type { Run } from "./run.ts";
import type { Storage, StorageKey, Write } from "./storage.ts";
import type { Head, Pointer } from "./stored.ts";
import {
  decodeHead,
  decodePointer,
  encodeHead,
  encodePointer,
  isWiped,
  joinParts,
  splitParts,
  unseal,
} from "./stored.ts";
import type { KeyRange } from "./unused.ts";
import { deleteKeys, takeKeys, unfinishedAfter } from "./unused.ts";

/** What an entry holds besides its place in the chain. */
export interface EntryContent extends Pick<Entry, "atMs" | "clock" | "witnesses" | "records"> {
  /** Of those records that say so, to be stored beside the entry. */
  readonly details?: ReadonlyMap<LogRecord, readonly SealedDetails[]>;
}

/** What stands, or stood, beside the log for a payment. */
export interface FoundDetails {
  readonly order: Order;
  /** Nothing once they are erased. */
  readonly details?: readonly SealedDetails[];
}

const beforeFirst: Head = { number: 0, hash: new Uint8Array(hashBytes) };

export class Log {
  readonly #storage: Storage;
  readonly #index: LookUpIndex;
  #head: Head;
  #atMs = 0;
  #clock: VectorClock = emptyClock;
  #witnesses: ReadonlyMap<string, Witness> = new Map();
  #checkpoint: Pointer | undefined;
  /** A later checkpoint is confirmed than the one that replay began with: what has changed since that one
   * is not what has changed since the confirmed one. */
  #isUnfinished = false;
  /** What a checkpoint has said is not read any more, and was not deleted yet. */
  #unused: readonly KeyRange[];
  /** What a checkpoint has left that was never finished is deleted. */
  #isCleared = false;
  /** The last that were read one by one: who asks for a payment often asks for its neighbours. */
  readonly #entries = new Map<number, Promise<Entry>>();
  /** Of all entries appended since it was opened. */
  appendedBytes = 0;

  private constructor(storage: Storage, head: Head, checkpoint: Pointer | undefined) {
    this.#storage = storage;
    this.#index = new LookUpIndex(storage);
    this.#head = head;
    this.#checkpoint = checkpoint;
    // A crash may have come before all of it was deleted.
    this.#unused = checkpoint?.unused ?? [];
  }

  /**
   * Reads where the log ends. Call `replay` before anything else.
   *
   * @throws {IntegrityError} if that is damaged
   */
  static async open(storage: Storage): Promise<Log> {
    const head = await storage.get(["head"]);
    const pointer = await storage.get(["checkpoint"]);
    try {
      return new Log(
        storage,
        head ? decodeHead(head) : beforeFirst,
        pointer ? decodePointer(pointer) : undefined,
      );
    } catch (error) {
      throw new IntegrityError(`The log's head or checkpoint can't be read: ${messageOf(error)}`);
    }
  }

  get head(): Head {
    return this.#head;
  }

  /** Of the head. */
  get clock(): VectorClock {
    return this.#clock;
  }

  /** Of the head. */
  get witnesses(): ReadonlyMap<string, Witness> {
    return this.#witnesses;
  }

  /** Where the state of the latest checkpoint stands; 0 without one. */
  get checkpointNumber(): number {
    return this.#checkpoint?.number ?? 0;
  }

  /** The highest payment id that only the index on disk holds. */
  get mark(): string {
    return this.#index.mark;
  }

  get indexHasKeys(): boolean {
    return this.#index.hasKeys;
  }

  /** Of the look-up index, as of its latest checkpoint. */
  get runs(): readonly Run[] {
    return this.#index.runs;
  }

  /**
   * Folds the latest checkpoint and the entries after it.
   *
   * @throws {IntegrityError} naming the entry at which checkpoint or chain do not hold
   */
  async replay(apply: (record: LogRecord, context: EntryContext) => void): Promise<void> {
    let last = beforeFirst;
    const checkpoint = this.#checkpoint;
    if (checkpoint) {
      await this.#index.open(checkpoint.runs);
      await replayState(this.#storage, checkpoint, apply);
      last = { number: checkpoint.number, hash: checkpoint.entryHash };
    }
    let isConfirmed = !checkpoint;
    for await (const { entry, hash } of this.entries(last)) {
      for (const record of entry.records) {
        apply(record, entry);
        if (record.type !== "checkpointed") continue;
        isConfirmed ||= record.number === checkpoint?.number &&
          record.hash === toHex(checkpoint.hash);
        this.#isUnfinished ||= record.number > (checkpoint?.number ?? 0);
      }
      this.#index.add(entry.records, entry.number);
      this.#atMs = entry.atMs;
      this.#clock = entry.clock;
      this.#witnesses = entry.witnesses;
      last = { number: entry.number, hash };
    }
    if (last.number !== this.#head.number || toHex(last.hash) !== toHex(this.#head.hash)) {
      throw new IntegrityError(
        `The log ends at entry ${last.number}, but its head is entry ${this.#head.number}: ` +
          "entries are missing or changed",
      );
    }
    if (!isConfirmed) {
      throw new IntegrityError(
        `The checkpoint at entry ${checkpoint?.number} is not confirmed by any entry after it`,
      );
    }
  }

  /**
   * The entries after `last`, each checked against the one before.
   *
   * @throws {IntegrityError} naming the entry
   */
  async *entries(last: Head = beforeFirst): AsyncIterable<{ entry: Entry; hash: Uint8Array }> {
    let parts: Uint8Array[] = [];
    let previous = last;
    for await (
      const { key, value } of this.#storage.listFrom("entry", ["entry", last.number + 1])
    ) {
      const number = key[1] as number;
      if (key[2] !== parts.length || number !== previous.number + 1) {
        throw new IntegrityError(`Entry ${previous.number + 1} of the log is missing in part`);
      }
      parts.push(value);
      const sealed = joinParts(parts);
      if (!sealed) continue;
      parts = [];
      const { bytes, hash } = unseal(sealed, number);
      const entry = decoded(bytes, number);
      if (entry.number !== number || toHex(entry.previous) !== toHex(previous.hash)) {
        throw new IntegrityError(`Entry ${number} of the log does not follow the one before it`);
      }
      previous = { number, hash };
      yield { entry, hash };
    }
    if (parts.length > 0) {
      throw new IntegrityError(`Entry ${previous.number + 1} of the log is missing in part`);
    }
  }

  /**
   * Stores an entry. Once it has failed nothing may be appended any more: the entry may be on disk.
   *
   * @param meanwhile is called while the disk is busy, with what will be the head
   * @returns the new head, when it is durable
   */
  async append(
    { details, ...content }: EntryContent,
    meanwhile?: (head: Head) => void,
  ): Promise<Head> {
    const { hash: previous } = this.#head;
    const number = this.#head.number + 1;
    const bytes = encodeEntry({ number, previous, ...content });
    const hash = sha256(bytes);
    const head = { number, hash };
    const writes: Write[] = [{ key: ["head"], value: encodeHead(head) }];
    for (const [part, value] of splitParts(bytes, hash).entries()) {
      writes.push({ key: ["entry", number, part], value });
    }
    const beside = new Beside((key) => this.#standing(key));
    for (let index = 0; index < content.records.length; index++) {
      const record = content.records[index]!;
      const payment = record.type === "erased" ? record.payment : detailsOf(record);
      if (!payment) continue;
      const stored = details?.get(record);
      invariant(
        (record.type === "erased") === (stored === undefined),
        `details of ${payment} in entry ${number}`,
      );
      await beside.replace(payment, ["details", number, index], stored);
    }
    const committed = this.#storage.commit([...writes, ...beside.writes()]);
    meanwhile?.(head);
    await committed;
    invariant(this.#head.number === number - 1, "two appends at once");
    this.#head = head;
    this.appendedBytes += bytes.length;
    this.#atMs = content.atMs;
    this.#clock = content.clock;
    this.#witnesses = content.witnesses;
    this.#index.add(content.records, number);
    return head;
  }

  /** The hash of a durable entry; nothing where the log is shorter. */
  async hashOf(number: number): Promise<Uint8Array | undefined> {
    if (number === this.#head.number) return this.#head.hash;
    if (number < 1 || number > this.#head.number) return undefined;
    return (await this.#read(number)).hash;
  }

  /** A durable entry. The last few that were asked for stay in memory. */
  entry(number: number): Promise<Entry> {
    const known = this.#entries.get(number);
    // As the one that was asked for last.
    this.#entries.delete(number);
    const entry = known ?? this.#readEntry(number);
    this.#entries.set(number, entry);
    if (!known) entry.catch(() => this.#entries.delete(number));
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > entriesKept) this.#entries.delete(oldest!);
    return entry;
  }

  async #readEntry(number: number): Promise<Entry> {
    const entry = decoded((await this.#read(number)).bytes, number);
    if (entry.number === number) return entry;
    throw new IntegrityError(`Entry ${number} of the log is in truth entry ${entry.number}`);
  }

  /** An entry as it stands in the chain. */
  async entryBytes(number: number): Promise<Uint8Array> {
    return (await this.#read(number)).bytes;
  }

  async #read(number: number): Promise<{ bytes: Uint8Array; hash: Uint8Array }> {
    const parts: Uint8Array[] = [];
    for (;;) {
      const value = await this.#storage.get(["entry", number, parts.length]);
      if (!value) throw new IntegrityError(`Entry ${number} of the log is missing in part`);
      parts.push(value);
      const sealed = joinParts(parts);
      if (sealed) return unseal(sealed, number);
    }
  }

  /** The durable records about a payment, or of an idempotency key, in order. */
  async lookUp(key: LookUpKey): Promise<Found[]> {
    const found: Found[] = [];
    for (const number of await this.#index.find(key)) {
      const entry = await this.entry(number);
      for (const record of entry.records) {
        if (lookUpKeyOf(record) === key) found.push([entry, record]);
      }
    }
    return found;
  }

  /** The details of a payment's latest attempt that had some. */
  async details(payment: PaymentId): Promise<FoundDetails | undefined> {
    const standing = await this.#standing(payment);
    // An attempt without any may have come after it.
    if (!standing?.isLatest) return undefined;
    const { key, order, value } = standing;
    if (!value || isWiped(value)) return { order };
    try {
      return { order, details: decodeStoredDetails(value).details };
    } catch (error) {
      throw new IntegrityError(`The details beside entry ${key[1]}: ${messageOf(error)}`);
    }
  }

  async #standing(payment: PaymentId): Promise<Standing | undefined> {
    let isLatest = true;
    for (const number of (await this.#index.find(payment)).reverse()) {
      const { records } = await this.entry(number);
      for (const [index, record] of [...records.entries()].reverse()) {
        if (record.type !== "prepared" || record.order.payment !== payment) continue;
        if (record.hasDetails) {
          const key: StorageKey = ["details", number, index];
          return { key, order: record.order, value: await this.#storage.get(key), isLatest };
        }
        isLatest = false;
      }
    }
    return undefined;
  }

  /**
   * Begins a checkpoint of `state`, which must be the fold of the log up to its head, with the accounts
   * that have changed since the checkpoint that it has. Write it with `writeCheckpoint`, append its
   * record, then `finishCheckpoint`.
   */
  beginCheckpoint(state: Frozen): Checkpoint {
    const below = this.#isUnfinished ? [] : this.#checkpoint?.layers ?? [];
    const index = this.#index.freeze(this.#head.number, this.#atMs);
    return new Checkpoint(state, this.#head, below, index);
  }

  async writeCheckpoint(checkpoint: Checkpoint): Promise<void> {
    if (!this.#isCleared) {
      await deleteKeys(this.#storage, await unfinishedAfter(this.#storage, this.checkpointNumber));
      this.#isCleared = true;
    }
    await commitInPieces(this.#storage, checkpoint.writes());
    try {
      await commitInPieces(this.#storage, this.#index.merge());
    } catch (error) {
      this.#index.abandonMerges();
      throw error;
    }
  }

  /** Makes a checkpoint, written and confirmed by an entry, the one that replay begins with. */
  async finishCheckpoint(checkpoint: Checkpoint): Promise<void> {
    const before = this.#checkpoint;
    const unused = [...this.#unused, ...this.#index.thaw()];
    if (before) unused.push(...checkpoint.unusedOf(before));
    const pointer = checkpoint.pointer({ runs: this.#index.names, unused });
    await this.#storage.commit([{ key: ["checkpoint"], value: encodePointer(pointer) }]);
    this.#checkpoint = pointer;
    this.#isUnfinished = false;
    // Only now: until the pointer is durable a crash would bring back the one that reads it.
    await this.#index.quiet();
    const { keys, left } = takeKeys(unused, unusedKeysMax);
    await deleteKeys(this.#storage, keys);
    this.#unused = left;
  }

  close(): void {
    this.#storage.close();
  }
}

function decoded(bytes: Uint8Array, number: number): Entry {
  try {
    return decodeEntry(bytes);
  } catch (error) {
    throw new IntegrityError(`Entry ${number} of the log: ${messageOf(error)}`);
  }
}
