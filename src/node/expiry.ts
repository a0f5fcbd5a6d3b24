/** Warns in time of a node's own certificate that ends: at its start, and then once a day. */

import { renewalDays } from "../limits.ts";
import type { Print } from "./printer.ts";

const dayMs = 24 * 60 * 60_000;

export class Expiry {
  readonly #name: string;
  readonly #endsMs: number;
  readonly #print: Print;
  #warnedMs = -Infinity;

  constructor(name: string, endsMs: number, print: Print) {
    this.#name = name;
    this.#endsMs = endsMs;
    this.#print = print;
  }

  /** @param nowMs of a clock that never jumps */
  look(nowMs: number, wallMs: number): void {
    if (nowMs < this.#warnedMs + dayMs) return;
    const leftMs = this.#endsMs - wallMs;
    if (leftMs >= renewalDays * dayMs) return;
    this.#warnedMs = nowMs;
    this.#print("warn", expiryText(this.#name, this.#endsMs, leftMs));
  }
}

function expiryText(name: string, endsMs: number, leftMs: number): string {
  const at = new Date(endsMs).toISOString();
  const days = Math.ceil(leftMs / dayMs);
  const what = leftMs < 0
    ? `expired at ${at}: no new link is made with it`
    : `ends at ${at}, within ${days} ${
      days === 1 ? "day" : "days"
    }: no new link is made with it then`;
  return `the certificate of "${name}" ${what}; have the CA's owner sign for it again, and start ` +
    "the node anew with what comes back";
}
