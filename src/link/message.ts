/** The messages of a link's handshake, JSON in a frame each. Every one carries its version. */

import { Buffer } from "node:buffer";
import { nonceBytes } from "../keys/proof.ts";
import { oneLine } from "../errors.ts";
import { addressLengthMax, peersMax } from "../limits.ts";
import { isAddress } from "../protocol/message.ts";
import { isName } from "../names.ts";
import { type Frame, type FrameKind, frameKinds } from "./frame.ts";
import type { Greeting } from "./host.ts";
import { Refusal } from "./refusal.ts";

/** Versions of the link protocol that this code speaks, the best first. */
export const linkVersions: readonly number[] = [3];

/** 1. The listener says which versions it speaks, who it is, and what to sign. */
export interface Hello {
  readonly type: "hello";
  readonly protocol: readonly number[];
  readonly certificate: Uint8Array;
  readonly nonce: Uint8Array;
}

/** 2. The dialer proves itself. Its name and role are what it takes itself for; the certificate counts. */
export interface Prove {
  readonly type: "prove";
  readonly protocol: number;
  readonly name: string;
  readonly role: string;
  readonly certificate: Uint8Array;
  readonly nonce: Uint8Array;
  readonly signature: Uint8Array;
  /** Number of the latest entry it has seen of the listener's log; 0 for none. */
  readonly asks: number;
}

/** 3. The listener takes the proof, and shows the hash of the entry asked for if it has it. */
export interface Accept {
  readonly type: "accept";
  readonly protocol: number;
  readonly shows: Uint8Array | undefined;
  readonly asks: number;
  readonly greeting: SentGreeting;
}

/** 4. The dialer shows in turn. Its greeting waits until here, where frames may be larger. */
export interface Show {
  readonly type: "show";
  readonly protocol: number;
  readonly shows: Uint8Array | undefined;
  readonly greeting: SentGreeting;
}

/** What a node says of itself. Its certificate has come before. */
export interface SentGreeting extends Greeting {
  /** For its other keys. */
  readonly voucher: Uint8Array;
}

/** 5. The link is up. */
export interface Welcome {
  readonly type: "welcome";
  readonly protocol: number;
}

export type HandshakeMessage = Hello | Prove | Accept | Show | Welcome;

/** In place of any of them, by either end, at any time. */
export interface RefuseMessage {
  readonly code: string;
  readonly message: string;
}

export function encodeMessage(message: HandshakeMessage): Frame {
  return jsonFrame(frameKinds.handshake, toJson(message));
}

export function encodeRefuse({ code, message }: RefuseMessage): Frame {
  return jsonFrame(frameKinds.refuse, { protocol: linkVersions, code, message });
}

/**
 * The message in `body`, which must be of the type that is due. Throws {@linkcode Refusal}:
 * `unknown_version` for another version than those given, `garbage` for anything else.
 */
export function decodeMessage<T extends HandshakeMessage["type"]>(
  body: Uint8Array,
  due: T,
  versions: readonly number[],
): Extract<HandshakeMessage, { type: T }> {
  const fields = new Fields(parseJson(body));
  // A later version may look different in everything else, so this is what is looked at first.
  if (due !== "hello" && !versions.includes(fields.count("protocol"))) {
    throw new Refusal(
      "unknown_version",
      `version ${fields.count("protocol")} of the link protocol came, this node speaks ${
        versions.join(", ")
      }`,
    );
  }
  const type = fields.text("type", 16);
  if (type !== due) throw garbage(`"${due}" was due, "${type}" came`);
  return decoders[due](fields);
}

/** What a refusal says, made fit for a log line: whoever sent it may not have proven anything. */
export function decodeRefuse(body: Uint8Array): RefuseMessage {
  const fields = new Fields(parseJson(body));
  const code = fields.text("code", 64);
  return {
    code: /^[a-z_]+$/.test(code) ? code : "unknown",
    message: oneLine(fields.text("message", 2_000)),
  };
}

const decoders: {
  [T in HandshakeMessage["type"]]: (fields: Fields) => Extract<HandshakeMessage, { type: T }>;
} = {
  hello: (fields) => ({
    type: "hello",
    protocol: fields.versions(),
    certificate: fields.bytes("certificate"),
    nonce: fields.bytes("nonce", nonceBytes),
  }),
  prove: (fields) => ({
    type: "prove",
    protocol: fields.count("protocol"),
    name: fields.text("name", 64),
    role: fields.text("role", 64),
    certificate: fields.bytes("certificate"),
    nonce: fields.bytes("nonce", nonceBytes),
    signature: fields.bytes("signature"),
    asks: fields.count("asks"),
  }),
  accept: (fields) => ({
    type: "accept",
    protocol: fields.count("protocol"),
    shows: fields.hash("shows"),
    asks: fields.count("asks"),
    greeting: decodeGreeting(fields.object("greeting")),
  }),
  show: (fields) => ({
    type: "show",
    protocol: fields.count("protocol"),
    shows: fields.hash("shows"),
    greeting: decodeGreeting(fields.object("greeting")),
  }),
  welcome: (fields) => ({ type: "welcome", protocol: fields.count("protocol") }),
};

function toJson(message: HandshakeMessage): Record<string, unknown> {
  switch (message.type) {
    case "hello":
      return {
        ...message,
        certificate: base64(message.certificate),
        nonce: base64(message.nonce),
      };
    case "prove":
      return {
        ...message,
        certificate: base64(message.certificate),
        nonce: base64(message.nonce),
        signature: base64(message.signature),
      };
    case "accept":
    case "show":
      return {
        ...message,
        shows: message.shows === undefined ? null : base64(message.shows),
        greeting: encodeGreeting(message.greeting),
      };
    case "welcome":
      return { ...message };
    default:
      return message satisfies never;
  }
}

function encodeGreeting(greeting: SentGreeting): Record<string, unknown> {
  const { address, epoch, clock, voucher } = greeting;
  return { address, epoch, clock: Object.fromEntries(clock), voucher: base64(voucher) };
}

function decodeGreeting(fields: Fields): SentGreeting {
  const clock = new Map(fields.counts("clock"));
  const address = fields.text("address", addressLengthMax);
  if (!isAddress(address)) throw garbage("an address is not HOST:PORT");
  const greeting = { address, clock, voucher: fields.bytes("voucher") };
  if (!fields.has("epoch")) return greeting;
  const epoch = fields.object("epoch");
  const nonce = epoch.text("nonce", 12);
  if (!/^[0-9a-f]{12}$/.test(nonce)) throw garbage("an epoch's nonce is not 12 digits");
  return { ...greeting, epoch: { counter: epoch.count("counter"), nonce } };
}

/** Reads fields of a JSON object, each in the only form that it may have. */
class Fields {
  readonly #values: Map<string, unknown>;

  constructor(value: unknown) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw garbage("no JSON object came");
    }
    this.#values = new Map(Object.entries(value));
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  text(key: string, lengthMax: number): string {
    const value = this.#values.get(key);
    if (typeof value === "string" && value.length <= lengthMax) return value;
    throw garbage(`"${key}" is not a text of at most ${lengthMax} characters`);
  }

  count(key: string): number {
    const value = this.#values.get(key);
    if (isCount(value)) return value;
    throw garbage(`"${key}" is not a whole number from 0`);
  }

  bytes(key: string, length?: number): Uint8Array {
    const bytes = new Uint8Array(Buffer.from(this.text(key, 16_384), "base64"));
    if (length === undefined || bytes.length === length) return bytes;
    throw garbage(`"${key}" is not ${length} bytes in base64`);
  }

  hash(key: string): Uint8Array | undefined {
    return this.#values.get(key) === null ? undefined : this.bytes(key, 32);
  }

  versions(): number[] {
    const value: unknown = this.#values.get("protocol");
    if (Array.isArray(value) && value.length <= 100 && value.every(isCount)) return value;
    throw garbage('"protocol" is not a list of versions');
  }

  object(key: string): Fields {
    return new Fields(this.#values.get(key));
  }

  /** The names of nodes and a number for each. */
  counts(key: string): [string, number][] {
    const clock = this.object(key);
    const names = [...clock.#values.keys()];
    // A network has its coordinator beside its participants.
    if (names.length > peersMax + 1 || !names.every(isName)) {
      throw garbage(`"${key}" does not name nodes`);
    }
    return names.map((name) => [name, clock.count(name)]);
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw garbage("no JSON came");
  }
}

function garbage(message: string): Refusal {
  return new Refusal("garbage", message);
}

function jsonFrame(kind: FrameKind, value: Record<string, unknown>): Frame {
  return { kind, body: new TextEncoder().encode(JSON.stringify(value)) };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
