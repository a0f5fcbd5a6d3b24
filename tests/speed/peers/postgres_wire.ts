/**
 * A client of PostgreSQL, and as much as it needs of the protocol, version 3.0, without passwords:
 * https://www.postgresql.org/docs/current/protocol-message-formats.html.
 */

import { FormatError } from "../../../src/errors.ts";
import { Connection } from "./connection.ts";
import { Waiting } from "./waiting.ts";

/** Values as text. */
export type Row = readonly (string | null)[];

export interface Message {
  /** One character. */
  readonly type: string;
  /** Without type and length. */
  readonly body: Uint8Array;
}

const protocolVersion = 3 << 16;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The first message, which alone has no type. */
export function encodeStartup(user: string, database: string): Uint8Array {
  const words = ["user", user, "database", database, ""];
  return withLength([int32(protocolVersion), ...words.map(terminated)]);
}

/** A simple query, of one or more statements. */
export function encodeQuery(sql: string): Uint8Array {
  return message("Q", terminated(sql));
}

/** To be called by `name` from now on. */
export function encodePrepare(name: string, sql: string): Uint8Array {
  return joined([message("P", terminated(name), terminated(sql), int16(0)), message("S")]);
}

/** Calls a statement that was prepared, with values as text, and asks for all rows as text. */
export function encodeCall(name: string, values: readonly string[]): Uint8Array {
  const texts = values.map((value) => encoder.encode(value));
  const counted = texts.flatMap((text) => [int32(text.length), text]);
  const portal = terminated("");
  return joined([
    message("B", portal, terminated(name), int16(0), int16(values.length), ...counted, int16(0)),
    message("E", portal, int32(0)),
    message("S"),
  ]);
}

export class MessageDecoder {
  /** The beginning of a message whose end is yet to come. */
  #rest = new Uint8Array();

  /** All messages that `bytes` completes; their bodies may be views of it. */
  push(bytes: Uint8Array): Message[] {
    const all = this.#rest.length === 0 ? bytes : joined([this.#rest, bytes]);
    const view = viewOf(all);
    const messages: Message[] = [];
    let at = 0;
    while (at + headBytes <= all.length) {
      const length = view.getInt32(at + 1);
      if (length < 4) throw new FormatError(`a message of PostgreSQL of ${length} bytes`);
      const end = at + 1 + length;
      if (end > all.length) break;
      messages.push({
        type: String.fromCharCode(all[at]!),
        body: all.subarray(at + headBytes, end),
      });
      at = end;
    }
    this.#rest = all.slice(at);
    return messages;
  }
}

/** Type and length. */
const headBytes = 5;

export function decodeRow(body: Uint8Array): Row {
  const view = viewOf(body);
  let at = 2;
  return Array.from({ length: view.getInt16(0) }, () => {
    const length = view.getInt32(at);
    at += 4;
    if (length === -1) return null;
    return decoder.decode(body.subarray(at, at += length));
  });
}

/** What an error response says to people. */
export function decodeError(body: Uint8Array): string {
  const fields = decoder.decode(body).split("\0");
  const severity = fields.find((field) => field.startsWith("S"))?.slice(1);
  const text = fields.find((field) => field.startsWith("M"))?.slice(1);
  return `${severity}: ${text}`;
}

function message(type: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return joined([encoder.encode(type), withLength(parts)]);
}

/** The length counts itself. */
function withLength(parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 4);
  return joined([int32(length), ...parts]);
}

function terminated(text: string): Uint8Array {
  return encoder.encode(`${text}\0`);
}

function int16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value);
}

function int32(value: number): Uint8Array {
  return Uint8Array.of(value >> 24, value >> 16, value >> 8, value);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export class PostgresClient {
  readonly #waiting = new Waiting<readonly Row[]>();
  readonly #decoder = new MessageDecoder();
  #connection!: Connection;
  /** Of the answer that is under way. */
  #rows: Row[] = [];
  #error: Error | undefined;

  private constructor() {}

  /** As the superuser, who is let in without a password. */
  static async open(port: number): Promise<PostgresClient> {
    const client = new PostgresClient();
    client.#connection = await Connection.open(port, {
      received: (bytes) => {
        for (const message of client.#decoder.push(bytes)) client.#take(message);
      },
      ended: (error) => client.#waiting.end(client.#error ?? error),
    });
    await client.#ask(encodeStartup("postgres", "postgres"));
    return client;
  }

  /** Statements one after the other, in one transaction; rows of all. */
  query(sql: string): Promise<readonly Row[]> {
    return this.#ask(encodeQuery(sql));
  }

  async prepare(name: string, sql: string): Promise<void> {
    await this.#ask(encodePrepare(name, sql));
  }

  call(name: string, values: readonly string[]): Promise<readonly Row[]> {
    return this.#ask(encodeCall(name, values));
  }

  close(): void {
    this.#connection.close();
  }

  #ask(bytes: Uint8Array): Promise<readonly Row[]> {
    const answer = this.#waiting.join();
    this.#connection.send(bytes);
    return answer;
  }

  #take({ type, body }: Message): void {
    switch (type) {
      case "D":
        this.#rows.push(decodeRow(body));
        return;
      case "E":
        this.#error = new Error(`PostgreSQL answered: ${decodeError(body)}`);
        return;
      case "R":
        // 0: no password is asked for.
        if (viewOf(body).getInt32(0) === 0) return;
        throw new FormatError("PostgreSQL asks for a password");
      case "Z":
        this.#waiting.answer([this.#error ?? this.#rows]);
        this.#rows = [];
        this.#error = undefined;
        return;
      default:
        // Parameters, notices, and that a step is complete: "ready for query" follows.
        return;
    }
  }
}
