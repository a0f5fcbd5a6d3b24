/**
 * A storage whose values are encrypted and authenticated: AES-256-GCM, for disks and copies that get into
 * other hands.
 *
 * **No nonce comes twice with one key.** GCM fails at once where one does, and a data folder may be copied,
 * restored and started again from the same bytes. So nothing that is stored decides a nonce. Each owner
 * that writes draws a data key of 32 random bytes, which only this object ever encrypts with; its nonces
 * are a counter in memory, so they differ within the key. Two owners, be it of a folder and of its copy,
 * have different data keys, however equal their counters are. A data key is stored encrypted ("wrapped")
 * by the file's key, and durable before the first value that needs it. That is the only use of the file's
 * key, with a random nonce of 96 bits, once a start: far below the 2^32 that NIST SP 800-38D (8.3) allows
 * for random ones.
 *
 * **No value passes for another.** The key under which a value is stored, and the number of its data key,
 * are authenticated with it. That an older value of the same key may be put back is the chain's and the
 * peers' to notice, as without encryption.
 *
 * What it does not withstand: an image of a machine's memory, taken while the node runs and started twice,
 * has one data key and one counter twice. Its node would come back with amnesia, too.
 *
 * What stays readable: storage keys, which hold a word and numbers of entries, parts and pages; the
 * sizes of values; and how often an owner has come to write.
 */

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { Writer } from "../bytes.ts";
import { IntegrityError, invariant } from "../errors.ts";
import { sealedOverheadBytes } from "../limits.ts";
import type { Storage, StorageKey, StoredValue, Write } from "./storage.ts";

interface DataKey {
  readonly number: number;
  readonly secret: Uint8Array;
}

const algorithm = "aes-256-gcm";
const version = 1;
const secretBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
const numberBytes = 6;
/** Of a value: version, number of its data key, nonce. */
const headerBytes = 1 + numberBytes + nonceBytes;
const wrappedBytes = 1 + nonceBytes + secretBytes + tagBytes;
invariant(sealedOverheadBytes === headerBytes + tagBytes, "limits count what sealing adds");

/** Wrapped data keys, by their number. */
const keyWord = "key";

/** What is stored: nothing yet, a log in the clear, or an encrypted one. */
export async function contentsOf(storage: Storage): Promise<"nothing" | "plain" | "sealed"> {
  for (const [word, contents] of [[keyWord, "sealed"], ["entry", "plain"]] as const) {
    for await (const _ of storage.listFrom(word, [word])) return contents;
  }
  return await storage.get(["head"]) ? "plain" : "nothing";
}

export class SealedStorage implements Storage {
  readonly #inner: Storage;
  readonly #fileSecret: Uint8Array;
  readonly #secrets: Map<number, Uint8Array>;
  readonly #own: DataKey;
  /** Values encrypted by the own data key. */
  #sealed = 0;
  /** Whether the own data key is stored: begun with the first commit, as readers need none. */
  #stored: Promise<void> | undefined;

  private constructor(
    inner: Storage,
    fileSecret: Uint8Array,
    secrets: Map<number, Uint8Array>,
  ) {
    this.#inner = inner;
    this.#fileSecret = fileSecret;
    this.#secrets = secrets;
    this.#own = newDataKey(secrets);
    secrets.set(this.#own.number, this.#own.secret);
  }

  /**
   * Opens what is sealed, or nothing yet. Nothing is written before the first commit.
   *
   * @param fileSecret the 32 bytes of the key's file
   * @returns nothing if it was encrypted with another key, which looks as if all data keys were damaged
   * @throws {IntegrityError} if some of its data keys are damaged
   */
  static async open(
    inner: Storage,
    fileSecret: Uint8Array,
  ): Promise<SealedStorage | undefined> {
    invariant(fileSecret.length === secretBytes, "the key of a file has 32 bytes");
    const secrets = new Map<number, Uint8Array>();
    const damaged: StorageKey[] = [];
    for await (const { key, value } of inner.listFrom(keyWord, [keyWord])) {
      const secret = unwrap(value, key, fileSecret);
      if (secret) secrets.set(key[1]!, secret);
      else damaged.push(key);
    }
    const [first] = damaged;
    if (first === undefined) return new SealedStorage(inner, fileSecret, secrets);
    if (secrets.size === 0) return undefined;
    throw new IntegrityError(
      `${
        nameOf(first)
      } of the log, a data key, is not what was written: what was encrypted with it ` +
        "is lost. The log's other data keys are whole. Restore the disk",
    );
  }

  async get(key: StorageKey): Promise<Uint8Array | undefined> {
    const value = await this.#inner.get(key);
    return value && this.#unseal(key, value);
  }

  async *listFrom(word: string, from: StorageKey): AsyncIterable<StoredValue> {
    for await (const { key, value } of this.#inner.listFrom(word, from)) {
      yield { key, value: this.#unseal(key, value) };
    }
  }

  async commit(writes: readonly Write[]): Promise<void> {
    const sealed = writes.map((write): Write => {
      const { key, value } = write;
      invariant(key[0] !== keyWord, "data keys are stored by themselves");
      return value ? { ...write, value: this.#seal(key, value) } : write;
    });
    const { number, secret } = this.#own;
    const key: StorageKey = [keyWord, number];
    this.#stored ??= this.#inner.commit([{ key, value: wrap(secret, key, this.#fileSecret) }]);
    await this.#stored;
    await this.#inner.commit(sealed);
  }

  close(): void {
    this.#inner.close();
  }

  #seal(key: StorageKey, value: Uint8Array): Uint8Array {
    const { number, secret } = this.#own;
    const sealed = new Uint8Array(sealedOverheadBytes + value.length);
    const view = new DataView(sealed.buffer);
    view.setUint8(0, version);
    view.setUint16(1, Math.floor(number / 2 ** 32));
    view.setUint32(3, number % 2 ** 32);
    view.setBigUint64(headerBytes - 8, BigInt(this.#sealed++));
    const nonce = sealed.subarray(1 + numberBytes, headerBytes);
    sealed.set(encrypt(secret, nonce, boundTo(key, number), value), headerBytes);
    return sealed;
  }

  #unseal(key: StorageKey, sealed: Uint8Array): Uint8Array {
    if (sealed.length < sealedOverheadBytes) throw notWritten(key);
    const view = new DataView(sealed.buffer, sealed.byteOffset);
    checkVersion(view.getUint8(0), key);
    const number = view.getUint16(1) * 2 ** 32 + view.getUint32(3);
    const secret = this.#secrets.get(number);
    if (!secret) {
      throw new IntegrityError(
        `${
          nameOf(key)
        } of the log is encrypted by data key ${number}, which is not there: one of ` +
          "the two was changed or removed",
      );
    }
    const nonce = sealed.subarray(1 + numberBytes, headerBytes);
    const value = decrypt(secret, nonce, boundTo(key, number), sealed.subarray(headerBytes));
    if (!value) throw notWritten(key);
    return value;
  }
}

/** Numbers are drawn, not counted: two owners at once would count to the same. */
function newDataKey(known: ReadonlyMap<number, unknown>): DataKey {
  for (;;) {
    const number = randomBytes(numberBytes).readUIntBE(0, numberBytes);
    if (!known.has(number)) return { number, secret: randomBytes(secretBytes) };
  }
}

/** Version, nonce, ciphertext and tag. */
function wrap(secret: Uint8Array, key: StorageKey, fileSecret: Uint8Array): Uint8Array {
  const nonce = randomBytes(nonceBytes);
  const w = new Writer(wrappedBytes);
  w.u8(version);
  w.raw(nonce);
  w.raw(encrypt(fileSecret, nonce, boundTo(key, version), secret));
  return w.slice();
}

/** Nothing where it was wrapped by another key, or for another number, or is damaged. */
function unwrap(
  wrapped: Uint8Array,
  key: StorageKey,
  fileSecret: Uint8Array,
): Uint8Array | undefined {
  if (wrapped.length !== wrappedBytes) return undefined;
  checkVersion(wrapped[0]!, key);
  const nonce = wrapped.subarray(1, 1 + nonceBytes);
  return decrypt(fileSecret, nonce, boundTo(key, version), wrapped.subarray(1 + nonceBytes));
}

/** What is authenticated beside a value. No two keys, nor two numbers, have the same bytes. */
function boundTo(key: StorageKey, number: number): Uint8Array {
  const [word, ...numbers] = key;
  const w = new Writer(64);
  w.text("handfast log");
  w.u8(version);
  w.varint(number);
  w.text(word);
  for (const part of numbers) w.varint(part);
  return w.slice();
}

/** Ciphertext, then tag. */
function encrypt(
  secret: Uint8Array,
  nonce: Uint8Array,
  bound: Uint8Array,
  value: Uint8Array,
): Uint8Array {
  const cipher = createCipheriv(algorithm, secret, nonce, { authTagLength: tagBytes });
  cipher.setAAD(bound);
  const encrypted = new Uint8Array(value.length + tagBytes);
  encrypted.set(cipher.update(value));
  // A stream cipher: all is out before the end.
  invariant(cipher.final().length === 0, "GCM keeps nothing back");
  encrypted.set(cipher.getAuthTag(), value.length);
  return encrypted;
}

/** Nothing where value, tag, nonce, key or what it is bound to is another than when it was encrypted. */
function decrypt(
  secret: Uint8Array,
  nonce: Uint8Array,
  bound: Uint8Array,
  encrypted: Uint8Array,
): Uint8Array | undefined {
  const length = encrypted.length - tagBytes;
  const decipher = createDecipheriv(algorithm, secret, nonce, { authTagLength: tagBytes });
  decipher.setAAD(bound);
  decipher.setAuthTag(encrypted.subarray(length));
  const value = new Uint8Array(length);
  try {
    value.set(decipher.update(encrypted.subarray(0, length)));
    decipher.final();
  } catch {
    return undefined;
  }
  return value;
}

function checkVersion(found: number, key: StorageKey): void {
  if (found === version) return;
  throw new IntegrityError(
    `${nameOf(key)} of the log is encrypted by version ${found}; this program knows ${version}`,
  );
}

function notWritten(key: StorageKey): IntegrityError {
  return new IntegrityError(`${nameOf(key)} of the log is not what was encrypted there`);
}

/** Such as `Value entry/5/0`. */
function nameOf(key: StorageKey): string {
  return `Value ${key.join("/")}`;
}
