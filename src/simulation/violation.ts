/** A promise that was broken: what the simulator looks for. */

import type { PaymentId } from "../protocol/id.ts";

/** What the checkers hold the nodes to, after Bernstein, Hadzilacos and Goodman, ch. 7, where named. */
export type Rule =
  | "AC1 agreement"
  | "AC2 no reversal"
  | "AC3 commit only on all yes"
  | "AC4 commit when nothing failed"
  | "AC5 termination"
  | "exactly once"
  | "answers are kept"
  | "nothing is told before it is durable"
  | "only the owner debits"
  | "no more is held than there is"
  | "clocks are consistent cuts"
  | "conservation at consistent cuts"
  | "books add up to zero"
  | "a node without entries its peers have seen is refused"
  | "no transaction id comes back"
  | "an id keeps its key"
  | "a mismatch is raised until somebody answers for it"
  | "details reach their recipient alone"
  | "no alarm"
  | "no node fails by itself"
  | "the logs verify";

export class Violation extends Error {
  override name = "Violation";
  constructor(readonly rule: Rule, message: string, readonly payment?: PaymentId) {
    super(message);
  }
}
