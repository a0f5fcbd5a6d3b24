/** What links need of the node they belong to. */

import type { Endpoint } from "../endpoint.ts";
import type { Role } from "../names.ts";
import type { Introduction } from "../protocol/message.ts";
import type { VectorClock } from "../protocol/vector_clock.ts";

/** What one node has seen of another's log. */
export interface Seen {
  readonly number: number;
  /** SHA-256 of that entry, 32 bytes. */
  readonly hash: Uint8Array;
}

/** What a node says of itself once it has proven who it is. */
export interface Greeting {
  /** `HOST:PORT` at which it takes links. */
  readonly address: string;
  /** A coordinator's epoch. */
  readonly epoch?: { readonly counter: number; readonly nonce: string };
  readonly clock: VectorClock;
}

/** A peer's greeting. */
export interface Greeted extends Greeting {
  /** Its certificate, and the voucher for its other keys, both verified. */
  readonly introduction: Introduction;
}

export interface LinkHost {
  /** The latest entry this node has seen of `peer`; nothing if none, or if it was readmitted. */
  seenOf(peer: string): Seen | undefined;
  /** Hash of this node's own durable entry of that number, or nothing if its log is shorter. */
  entryHash(number: number): Promise<Uint8Array | undefined>;
  greeting(): Greeting;
  /** Whether to refuse a peer that proved itself, for what it says of itself: the reason, or nothing. */
  objection(peer: string, role: Role, greeting: Greeting): string | undefined;
  /** The link can be used from now on. */
  linkUp(peer: string, role: Role, greeting: Greeted): void;
  linkDown(peer: string, reason: string): void;
  /** A proven peer is refused for amnesia; `clock` is what it says of its log now, and of others'. */
  forgot(peer: string, clock: VectorClock): void;
  /**
   * One frame's payload, whole and from a proven peer. Throws where it is garbage: the link closes.
   *
   * @returns whether it will be answered within a turn or two
   */
  received(peer: string, payload: Uint8Array): boolean;
  /** Peers have seen entries of this node's that it does not have: it must stop for good. */
  amnesia(detail: string): void;
  /**
   * One end refuses the other for good, so `peer` is not dialled any more: `code` is one of the refusals
   * that no repetition changes. Amnesia is told by {@linkcode LinkHost.amnesia} instead.
   */
  refused(peer: string, code: string, message: string): void;
  /** A line for the node's own log. */
  log(level: "info" | "warn" | "error", line: string): void;
}

/** The links of one node, as the node sees them. */
export interface LinkLayer {
  /** Takes links at an address, once; port 0 chooses one. Returns where. */
  listen(at: Endpoint): Endpoint;
  /** Links to a peer at `HOST:PORT`, and again whenever the link is lost. */
  dial(name: string, role: Role, address: string): void;
  /** Dials a peer no more, and closes the link that came of it. */
  hangUp(name: string): void;
  /** Peers that could not be reached are tried now, not when it is time again. */
  hurry(): void;
  /** Closes the link to a peer, if there is one, at once. A peer that is dialled is dialled again. */
  closeLink(peer: string, reason: string): void;
  /** Queues a payload for a peer; false if there is no link. */
  send(peer: string, payload: Uint8Array): boolean;
  /** Ends everything; what is queued is written first. */
  close(): Promise<void>;
}
