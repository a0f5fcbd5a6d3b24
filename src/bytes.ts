/** Writing and reading the primitive values of Handfast's binary formats. Every value has exactly
 * one encoding, so that bytes can be compared and hashed instead of what they stand for. */

import { FormatError } from "./errors.ts";

const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const encoder = new TextEncoder();
// A byte order mark is text like any other: left out, it would not be written again.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** For the characters of short texts, by their number: one text is read at a time. */
const codesOf = Array.from({ length: 32 }, (_, length) => new Array<number>(length).fill(0));
/** Of the digits of sixteen values. */
export const hexCodes: readonly number[] = Array.from("0123456789abcdef", (c) => c.charCodeAt(0));
/** By the code of its digit. */
const nibbleOf = new Uint8Array(128);
for (let value = 0; value < 16; value++) nibbleOf[value.toString(16).charCodeAt(0)] = value;
const dash = 45;

/** A growing buffer. Values are appended in network byte order. */
export class Writer {
  #buffer: Uint8Array<ArrayBuffer>;
  /** Made when it is first wanted, which for most it never is. */
  #view: DataView | undefined;
  #length = 0;

  constructor(capacity = 1024) {
    this.#buffer = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Forgets what was written past `length`. */
  truncate(length: number): void {
    this.#length = length;
  }

  /** A copy of what was written from `start` to `end`. */
  slice(start = 0, end = this.#length): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(start, end);
  }

  /** What was written so far, valid until more is. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#length);
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  /** An unsigned integer of at most 53 bits, seven bits a byte, lowest first (LEB128). */
  varint(value: number): void {
    this.#reserve(8);
    while (value >= 0x80) {
      this.#buffer[this.#length++] = (value % 0x80) | 0x80;
      value = Math.floor(value / 0x80);
    }
    this.#buffer[this.#length++] = value;
  }

  /** Throws `RangeError` for what 64 bits can't hold, which would become another amount. */
  i64(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${value} is above 64 bits`);
    this.#reserve(8);
    this.#view ??= new DataView(this.#buffer.buffer);
    this.#view.setBigInt64(this.#length, value);
    this.#length += 8;
  }

  raw(bytes: Uint8Array): void {
    const { length } = bytes;
    this.#reserve(length);
    const start = this.#length;
    // Of a few a loop is faster than a call.
    if (length > 64) this.#buffer.set(bytes, start);
    else for (let i = 0; i < length; i++) this.#buffer[start + i] = bytes[i]!;
    this.#length = start + length;
  }

  blob(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** Writes once more what was written from `start` on: a few bytes. */
  repeat(start: number, length: number): void {
    this.#reserve(length);
    for (let i = start; i < start + length; i++) this.#buffer[this.#length++] = this.#buffer[i]!;
  }

  text(value: string): void {
    this.#reserve(value.length + 8);
    if (value.length < 0x80) {
      // Names and codes: short and ASCII.
      const start = this.#length++;
      let i = 0;
      for (; i < value.length; i++) {
        const code = value.charCodeAt(i);
        if (code >= 0x80) break;
        this.#buffer[this.#length++] = code;
      }
      if (i === value.length) {
        this.#buffer[start] = i;
        return;
      }
      this.#length = start;
    }
    this.blob(encoder.encode(value));
  }

  /** Hexadecimal digits, in lower case and even in number; dashes are left out. */
  hex(digits: string): void {
    const { length } = digits;
    this.#reserve(length >> 1);
    const buffer = this.#buffer;
    let at = this.#length;
    for (let i = 0; i < length; i += 2) {
      let code = digits.charCodeAt(i);
      if (code === dash) code = digits.charCodeAt(++i);
      buffer[at++] = nibbleOf[code]! << 4 | nibbleOf[digits.charCodeAt(i + 1)]!;
    }
    this.#length = at;
  }

  /** Begins something with its length before it, of less than 128 bytes; ended by `endShort`. */
  beginShort(): number {
    this.#reserve(1);
    return ++this.#length;
  }

  /** @param start what `beginShort` gave */
  endShort(start: number): void {
    const length = this.#length - start;
    if (length >= 0x80) throw new RangeError(`${length} bytes where less than 128 were expected`);
    this.#buffer[start - 1] = length;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(this.#buffer.length * 2, this.#length + count));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
    this.#view = undefined;
  }
}

/** Reads what {@linkcode Writer} wrote. Every method throws {@linkcode FormatError} past the end. */
export class Reader {
  #view: DataView | undefined;
  #at = 0;

  constructor(readonly bytes: Uint8Array) {}

  get position(): number {
    return this.#at;
  }

  get done(): boolean {
    return this.#at === this.bytes.length;
  }

  end(): void {
    if (!this.done) throw new FormatError(`${this.bytes.length - this.#at} bytes too many`);
  }

  u8(): number {
    const at = this.#take(1);
    return this.bytes[at]!;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        // One encoding a value: no padding with zeros, nothing that a number can't hold.
        if (byte === 0 && i > 0) throw new FormatError("number padded with zeros");
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      scale *= 0x80;
    }
    throw new FormatError("number above 2^53");
  }

  i64(): bigint {
    const { bytes } = this;
    this.#view ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return this.#view.getBigInt64(this.#take(8));
  }

  /** Where the next `length` bytes begin, for whoever looks at them in place. */
  skip(length: number): number {
    return this.#take(length);
  }

  /** A view of the bytes, not a copy. */
  raw(length: number): Uint8Array {
    const at = this.#take(length);
    return this.bytes.subarray(at, at + length);
  }

  /** Reads as many bytes as `expected` has, and tells whether they are those. */
  matches(expected: Uint8Array): boolean {
    const at = this.#take(expected.length);
    for (let i = 0; i < expected.length; i++) if (this.bytes[at + i] !== expected[i]) return false;
    return true;
  }

  blob(): Uint8Array {
    return this.raw(this.varint());
  }

  text(): string {
    const length = this.varint();
    const start = this.#take(length);
    const { bytes } = this;
    if (length < codesOf.length) {
      // Names and codes, mostly: a call to decode them takes longer.
      const codes = codesOf[length]!;
      let i = 0;
      for (; i < length && bytes[start + i]! < 0x80; i++) codes[i] = bytes[start + i]!;
      if (i === length) return String.fromCharCode.apply(undefined, codes);
    }
    try {
      return decoder.decode(bytes.subarray(start, start + length));
    } catch {
      throw new FormatError("text that is not UTF-8");
    }
  }

  hex(length: number): string {
    const at = this.#take(length);
    let digits = "";
    for (let i = at; i < at + length; i++) digits += hexOfByte[this.bytes[i]!];
    return digits;
  }

  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.bytes.length) throw new FormatError("bytes end too early");
    this.#at = at + length;
    return at;
  }
}

export function toHex(bytes: Uint8Array): string {
  let digits = "";
  for (const byte of bytes) digits += hexOfByte[byte];
  return digits;
}

export function fromHex(digits: string): Uint8Array<ArrayBuffer> {
  const writer = new Writer(digits.length >> 1);
  writer.hex(digits);
  return writer.slice();
}
