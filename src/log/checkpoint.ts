/**
 * States as they are stored. Balances, which may be very many, lie in layers: in the first those of all
 * accounts, in each on it those that had changed since the one before. So a checkpoint writes what it has
 * to, and once layers hold together as much as all balances are, it begins anew with a first one: a replay
 * never reads more than twice what the state is. The rest of a state is little; each checkpoint writes all
 * of it.
 *
 * The hash of a layer covers the layers below it, and with the rest it makes the hash that an entry
 * confirms. From the entries alone `verify` can make it again.
 */

import { createHash } from "node:crypto";
import { toHex } from "../bytes.ts";
import { decodeState, encodeState } from "../codec/record.ts";
import { hashBytes } from "../codec/values.ts";
import { IntegrityError, invariant, messageOf } from "../errors.ts";
import {
  checkpointCommitBytes,
  checkpointCommitWrites,
  checkpointLayersMax,
  entryPartBytesMax,
} from "../limits.ts";
import type { Frozen } from "../protocol/frozen.ts";
import type { Checkpointed, EntryContext, LogRecord } from "../protocol/record.ts";
import type { Found } from "../protocol/step.ts";
import type { Storage, Write } from "./storage.ts";
import type { Head, Layer, Pointer } from "./stored.ts";
import type { KeyRange } from "./unused.ts";

/** What is below a first layer. */
const nothing = new Uint8Array(hashBytes);

/** A state as of an entry, ready to be written. */
export class Checkpoint {
  readonly number: number;
  readonly #entryHash: Uint8Array;
  readonly #state: Frozen;
  readonly #below: readonly Layer[];
  readonly #index: Iterable<Write>;
  #stored: Pick<Pointer, "layers" | "restPieces" | "hash"> | undefined;

  /**
   * @param head the entry as of which the state is
   * @param below layers on which it may lie
   * @param index the look-up index's part of it
   */
  constructor(state: Frozen, head: Head, below: readonly Layer[], index: Iterable<Write>) {
    this.number = head.number;
    this.#entryHash = head.hash;
    this.#state = state;
    this.#below = isFirstDue(state, below) ? [] : below;
    this.#index = index;
  }

  /** Made as they are taken, once. */
  *writes(): Iterable<Write> {
    const { number } = this;
    const { all, changed, rest } = this.#state;
    const top = this.#below.at(-1);
    const { count: balances, found } = top ? changed : all;
    const { pieces, hash } = yield* stateWrites(number, 0, top?.hash ?? nothing, found);
    const whole = yield* stateWrites(number, pieces, hash, rest);
    const layers = [...this.#below, { number, pieces, balances, hash }];
    this.#stored = { layers, restPieces: whole.pieces, hash: whole.hash };
    yield* this.#index;
  }

  /** What confirms it, once all its writes are durable. */
  get record(): Checkpointed {
    const { hash } = this.#written;
    const on = this.#below.at(-1)?.number ?? 0;
    return { type: "checkpointed", number: this.number, on, hash: toHex(hash) };
  }

  /** What makes it valid, once it is confirmed. */
  pointer(index: Pick<Pointer, "runs" | "unused">): Pointer {
    return { ...this.#written, number: this.number, entryHash: this.#entryHash, ...index };
  }

  /** The pieces of the checkpoint before that a replay from this one does not read. */
  unusedOf(before: Pointer): KeyRange[] {
    const used = new Set(this.#written.layers.map(({ number }) => number));
    const unused: KeyRange[] = [];
    for (const { number, pieces } of before.layers) {
      if (!used.has(number)) unused.push({ prefix: ["state", number], first: 0, end: pieces });
    }
    const { number, restPieces } = before;
    const first = before.layers.at(-1)!.pieces;
    return [...unused, { prefix: ["state", number], first, end: first + restPieces }];
  }

  get #written() {
    invariant(this.#stored !== undefined, "a checkpoint is confirmed before it is written");
    return this.#stored;
  }
}

/** Commits small pieces: between two of them the node's entries have their turn. */
export async function commitInPieces(
  storage: Storage,
  writes: Iterable<Write> | AsyncIterable<Write>,
): Promise<void> {
  let batch: Write[] = [];
  let bytes = 0;
  for await (const write of writes) {
    const size = (write.value?.length ?? 0) + 128;
    if (bytes + size > checkpointCommitBytes || batch.length === checkpointCommitWrites) {
      await storage.commit(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(write);
    bytes += size;
  }
  if (batch.length > 0) await storage.commit(batch);
}

function isFirstDue({ all, changed }: Frozen, below: readonly Layer[]): boolean {
  if (below.length === 0 || below.length >= checkpointLayersMax) return true;
  const onFirst = below.slice(1).reduce((sum, { balances }) => sum + balances, 0);
  return onFirst + changed.count >= all.count;
}

interface Pieces {
  readonly pieces: number;
  readonly hash: Uint8Array;
}

function* stateWrites(
  number: number,
  first: number,
  below: Uint8Array,
  found: Iterable<Found>,
): Generator<Write, Pieces> {
  const hash = createHash("sha256").update(below);
  let pieces = 0;
  for (const value of piecesOf(found)) {
    hash.update(value);
    yield { key: ["state", number, first + pieces++], value };
  }
  return { pieces, hash: new Uint8Array(hash.digest()) };
}

function piecesOf(found: Iterable<Found>): Iterable<Uint8Array> {
  return encodeState(found, entryPartBytesMax - 8192);
}

/**
 * Gives back the state that a checkpoint has: balances from the first layer up, then the rest.
 *
 * @throws {IntegrityError} naming the checkpoint of which pieces are missing or changed
 */
export async function replayState(
  storage: Storage,
  { number, layers, restPieces, hash }: Pointer,
  apply: (record: LogRecord, context: EntryContext) => void,
): Promise<void> {
  let below: Uint8Array = nothing;
  for (const layer of layers) {
    await replayPieces(storage, { ...layer, first: 0, below }, apply);
    below = layer.hash;
  }
  const first = layers.at(-1)!.pieces;
  await replayPieces(storage, { number, first, pieces: restPieces, below, hash }, apply);
}

interface StoredPieces extends Pieces {
  readonly number: number;
  readonly first: number;
  /** The hash of what they lie on. */
  readonly below: Uint8Array;
}

async function replayPieces(
  storage: Storage,
  { number, first, pieces, below, hash: expected }: StoredPieces,
  apply: (record: LogRecord, context: EntryContext) => void,
): Promise<void> {
  const hash = createHash("sha256").update(below);
  for (let piece = first; piece < first + pieces; piece++) {
    const bytes = await storage.get(["state", number, piece]);
    if (!bytes) {
      throw new IntegrityError(`The checkpoint at entry ${number} lacks its piece ${piece}`);
    }
    hash.update(bytes);
    try {
      for (const [context, record] of decodeState(bytes)) apply(record, context);
    } catch (error) {
      throw new IntegrityError(`The checkpoint at entry ${number}: ${messageOf(error)}`);
    }
  }
  if (hash.digest("hex") !== toHex(expected)) {
    throw new IntegrityError(`The checkpoint at entry ${number} is not what was written`);
  }
}

/** The hashes of checkpoints, one after the other, from states that the entries make. */
export class CheckpointHashes {
  #top: Uint8Array = nothing;

  /**
   * What a `checkpointed` record has as the hash of `state`, hexadecimal.
   *
   * @param isOnTop whether it has of balances only those that have changed since the one before
   */
  next({ all, changed, rest }: Frozen, isOnTop: boolean): string {
    const [below, { found }] = isOnTop ? [this.#top, changed] : [nothing, all];
    this.#top = hashOn(below, found);
    return toHex(hashOn(this.#top, rest));
  }
}

function hashOn(below: Uint8Array, found: Iterable<Found>): Uint8Array {
  const hash = createHash("sha256").update(below);
  for (const piece of piecesOf(found)) hash.update(piece);
  return hash.digest();
}
