/** How far a participant's clock is from its coordinator's, as fresh decisions show. Nothing of it is durable. */

import { clockOffsetMsMax, clockWarningMs, voteTimeoutMs } from "../limits.ts";
import type { Turn } from "./step.ts";

export class ClockOffset {
  /** Own minus the coordinator's; nothing before a decision has shown it. */
  lastMs: number | undefined;
  #warnedMs = -Infinity;

  /**
   * Looks at a commit: it was decided between the own vote and now, by two clocks that agree. Of one that was
   * long in doubt, or comes once more, nobody knows how long it has been on its way.
   *
   * @returns what the operator is to be told, if anything
   */
  compare(votedMs: number, decidedMs: number, { atMs, nowMs }: Turn): string | undefined {
    const ageMs = atMs - votedMs;
    if (ageMs < 0 || ageMs > voteTimeoutMs) return undefined;
    this.lastMs = atMs - decidedMs;
    if (Math.abs(this.lastMs) <= clockOffsetMsMax) return undefined;
    if (nowMs < this.#warnedMs + clockWarningMs) return undefined;
    this.#warnedMs = nowMs;
    const seconds = Math.round(Math.abs(this.lastMs) / 1_000);
    return `this node's clock is ${seconds} s ${this.lastMs > 0 ? "ahead of" : "behind"} its ` +
      "coordinator's: set both by NTP, as what is posted here is booked by this one";
  }
}
