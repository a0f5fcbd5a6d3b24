/** What a node has of the world besides its log: time, chance and links. The simulator has its own. */

import { setImmediate } from "node:timers";
import type { LinkHost, LinkLayer } from "../link/host.ts";
import type { PaymentId } from "../protocol/id.ts";
import { paymentIdStart } from "../protocol/id.ts";
import type { Sealing } from "./sealing.ts";
import type { Trust } from "./trust.ts";

export interface Time {
  /** Milliseconds since 1970, for people and for the age of ids. */
  wallMs(): number;
  /** Milliseconds of a clock that never jumps. */
  monotonicMs(): number;
  sleep(ms: number): Promise<void>;
  /** Runs something again and again until the returned function is called. */
  every(intervalMs: number, run: () => void): () => void;
  /** Resolves once what has come by now, over sockets and from disks, has been taken in. */
  nextPoll(): Promise<void>;
}

export interface Surroundings {
  readonly time: Time;
  /** Of an epoch: twelve hexadecimal digits, random. */
  nonce(): string;
  newPaymentId(): PaymentId;
  readonly trust: Trust;
  readonly sealing: Sealing;
  /** Bytes that are free on the disk of its data folder; fails where that can't be told. */
  freeBytes?(): Promise<number>;
  /** The node's links; the node is told by them what happens. */
  links(host: LinkHost): LinkLayer;
}

/** The time and chance of the machine. */
export const machine: Omit<Surroundings, "links" | "trust" | "sealing"> = {
  time: {
    wallMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    every: (intervalMs, run) => {
      const interval = setInterval(run, intervalMs);
      return () => clearInterval(interval);
    },
    nextPoll: () => new Promise((resolve) => void setImmediate(resolve)),
  },
  nonce: () => crypto.getRandomValues(new Uint8Array(6)).toHex(),
  newPaymentId: () => `${startOf(Date.now())}-7${crypto.randomUUID().slice(15)}` as PaymentId,
};

let lastMs = -1;
let lastStart = "";

/**
 * With what a UUIDv7 begins (RFC 9562, 5.7). The rest is as random as that of a UUIDv4, in the same places: so
 * made, an id takes half as long as from the standard library.
 */
function startOf(ms: number): string {
  if (ms !== lastMs) {
    lastStart = paymentIdStart(ms);
    lastMs = ms;
  }
  return lastStart;
}
