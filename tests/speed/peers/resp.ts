/**
 * A pipelining client of Redis, and as much as it needs of the protocol RESP2 (no arrays):
 * https://redis.io/docs/latest/develop/reference/protocol-spec/
 */

import { FormatError } from "../../../src/errors.ts";
import { Connection } from "./connection.ts";
import { Waiting } from "./waiting.ts";

export type Reply = number | string | null;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const [cr, minus, zero] = [0x0d, 0x2d, 0x30];

/** Of words in ASCII, as long in bytes as in characters. */
export function encodeCommand(words: readonly string[]): string {
  let text = `*${words.length}\r\n`;
  for (const word of words) text += `$${word.length}\r\n${word}\r\n`;
  return text;
}

export class ReplyDecoder {
  /** The beginning of a reply whose end is yet to come. */
  #rest = new Uint8Array();
  #at = 0;

  /**
   * All replies that `bytes` completes; an error that Redis replies with is one.
   *
   * @throws {FormatError} where the bytes are no reply
   */
  push(bytes: Uint8Array): (Reply | Error)[] {
    const all = this.#rest.length === 0 ? bytes : joined(this.#rest, bytes);
    const replies: (Reply | Error)[] = [];
    this.#at = 0;
    for (;;) {
      const reply = this.#next(all);
      if (reply === undefined) break;
      replies.push(reply);
    }
    this.#rest = all.slice(this.#at);
    return replies;
  }

  /** Nothing where it does not end within `bytes`. */
  #next(bytes: Uint8Array): Reply | Error | undefined {
    const start = this.#at + 1;
    const end = bytes.indexOf(cr, start);
    const next = end + 2;
    if (end === -1 || next > bytes.length) return undefined;
    const type = String.fromCharCode(bytes[this.#at]!);
    switch (type) {
      case ":":
        this.#at = next;
        return integerIn(bytes, start, end);
      case "+":
        this.#at = next;
        return decoder.decode(bytes.subarray(start, end));
      case "-":
        this.#at = next;
        return new Error(`Redis answered ${decoder.decode(bytes.subarray(start, end))}`);
      case "$": {
        const length = integerIn(bytes, start, end);
        const isNull = length === -1;
        const after = isNull ? next : next + length + 2;
        if (after > bytes.length) return undefined;
        this.#at = after;
        return isNull ? null : decoder.decode(bytes.subarray(next, next + length));
      }
      default:
        throw new FormatError(`a reply of Redis begins with ${JSON.stringify(type)}`);
    }
  }
}

function integerIn(bytes: Uint8Array, start: number, end: number): number {
  const isNegative = bytes[start] === minus;
  let value = 0;
  for (let i = isNegative ? start + 1 : start; i < end; i++) value = value * 10 + bytes[i]! - zero;
  return isNegative ? -value : value;
}

function joined(left: Uint8Array, right: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(left.length + right.length);
  all.set(left);
  all.set(right, left.length);
  return all;
}

export class RespClient {
  readonly #waiting = new Waiting<Reply>();
  #connection!: Connection;
  /** Commands of this turn, which leave together. */
  #commands = "";

  private constructor() {}

  static async open(port: number): Promise<RespClient> {
    const client = new RespClient();
    const replies = new ReplyDecoder();
    client.#connection = await Connection.open(port, {
      received: (bytes) => client.#waiting.answer(replies.push(bytes)),
      ended: (error) => client.#waiting.end(error),
    });
    return client;
  }

  /** Rejects where Redis replies with an error. */
  command(...words: readonly string[]): Promise<Reply> {
    if (this.#commands === "") queueMicrotask(() => this.#flush());
    this.#commands += encodeCommand(words);
    return this.#waiting.join();
  }

  close(): void {
    this.#connection.close();
  }

  #flush(): void {
    const bytes = encoder.encode(this.#commands);
    this.#commands = "";
    this.#connection.send(bytes);
  }
}
