/**
 * Whether the nodes agree on every payment: all reach the same decision (AC1), and only one that the
 * coordinator took with all votes (AC3; Bernstein, Hadzilacos and Goodman, ch. 7).
 */

import type { PaymentId, TransactionId } from "../protocol/id.ts";
import { decisionText } from "../protocol/message.ts";
import { sameBytes } from "../protocol/order.ts";
import type { Findings } from "./findings.ts";
import type { CoordinatorHistory, History, ParticipantHistory } from "./history.ts";
import { isOpen } from "./participant_book.ts";
import type { Decided, Held, OrderSummary } from "./payments.ts";

interface Committed extends OrderSummary {
  readonly payment: PaymentId;
  readonly transaction: TransactionId;
  /** Who says that it is committed, and where. */
  readonly says: string;
  readonly by: string;
  readonly hasEnded: boolean;
}

export function checkAgreement(histories: readonly History[], findings: Findings): void {
  const coordinator = coordinatorOf(histories);
  const participants = new Map<string, ParticipantHistory>();
  for (const history of histories) {
    if (history.role === "participant") participants.set(history.chain.name, history);
  }
  const agreement = new Agreement(coordinator, participants, findings);
  if (coordinator) agreement.checkCoordinator(coordinator);
  for (const participant of participants.values()) agreement.checkParticipant(participant);
}

export function coordinatorOf(histories: readonly History[]): CoordinatorHistory | undefined {
  for (const history of histories) if (history.role === "coordinator") return history;
  return undefined;
}

class Agreement {
  readonly #coordinator: CoordinatorHistory | undefined;
  readonly #participants: ReadonlyMap<string, ParticipantHistory>;
  readonly #findings: Findings;

  constructor(
    coordinator: CoordinatorHistory | undefined,
    participants: ReadonlyMap<string, ParticipantHistory>,
    findings: Findings,
  ) {
    this.#coordinator = coordinator;
    this.#participants = participants;
    this.#findings = findings;
  }

  checkCoordinator({ chain: { name }, payments }: CoordinatorHistory): void {
    for (const [payment, { transaction, number, hash, participants, hasEnded }] of payments) {
      if (!transaction) continue;
      const says = `${name} committed in entry ${number}`;
      const committed = { payment, transaction, hash, participants, says, by: name, hasEnded };
      this.#checkAll(committed);
    }
  }

  checkParticipant({ chain: { name }, payments }: ParticipantHistory): void {
    for (const [payment, held] of payments) {
      if (this.#coordinator) this.#checkWithCoordinator(name, payment, held, this.#coordinator);
      else this.#checkAlone(name, payment, held);
    }
  }

  /** Every participant of a committed payment has posted it, or will. */
  #checkAll(committed: Committed): void {
    for (const name of committed.participants) {
      if (name === committed.by) continue;
      const participant = this.#participants.get(name);
      const held = participant?.payments.get(committed.payment);
      if (participant && (participant.chain.isWhole || held && !isOpen(held))) {
        this.#checkPart(committed, name, held);
        continue;
      }
      const line = participant
        ? `payments committed at ${committed.by}, at ${name}: its log can't be read to its end`
        : `payments committed at ${committed.by}, at ${name}: no log of ${name}`;
      this.#findings.notChecked(line, "payment");
    }
  }

  #checkPart(committed: Committed, name: string, held: Held | undefined): void {
    const { transaction, hash, says, hasEnded } = committed;
    const { payment } = committed;
    if (!held) return this.#violation(payment, `${says}, but ${name} has never prepared it`);
    // Told of already, where the log of the node itself was read.
    if (held.state === "mismatch") return;
    if (held.transaction !== transaction) {
      const other = held.transaction ? `only transaction ${held.transaction}` : "no transaction";
      const what = `${says} transaction ${transaction}, but ${name} has ${other} of it`;
      return this.#violation(payment, what);
    }
    if (!sameBytes(held.hash, hash)) {
      this.#violation(payment, `the order at ${name} is another than where ${says}`);
    }
    if (held.state === "released") {
      const what = `${says}, but ${name} has released transaction ${transaction}`;
      this.#violation(payment, what + this.#equivocation(payment, transaction, held.signer));
    } else if (held.state === "forced" && !held.commit) {
      const what = `${says}, but transaction ${transaction} was forced to abort at ${name}`;
      this.#violation(payment, what);
    } else if (held.state === "prepared" && hasEnded) {
      this.#violation(payment, `${says} and ended it, but ${name} has not posted it`);
    }
  }

  /** Whoever signed a commit and an abort of one transaction is convicted by their own signatures. */
  #equivocation(
    payment: PaymentId,
    transaction: TransactionId,
    signer: string | undefined,
  ): string {
    if (signer === undefined) return "";
    for (const [name, { payments }] of this.#participants) {
      const other = payments.get(payment);
      if (other?.transaction !== transaction || other.state !== "posted") continue;
      if (other.signer !== signer) continue;
      return `: ${signer} signed both; ${name} and it can prove that (handfast proof ${payment})`;
    }
    return "";
  }

  /** What a participant has settled is what the coordinator decided. */
  #checkWithCoordinator(
    name: string,
    payment: PaymentId,
    held: Held,
    { chain, payments }: CoordinatorHistory,
  ): void {
    const decided = payments.get(payment);
    if (!decided && held.isLost) {
      this.#findings.notChecked(
        `payments at ${name} that ${chain.name} has lost, which was readmitted: compared among participants only`,
        "payment",
      );
      return this.#checkAmongThem(name, payment, held);
    }
    if (!decided && !chain.isWhole) {
      const line = `payments at ${name} against the decisions of ${chain.name}: its log can't be ` +
        "read to its end";
      return this.#findings.notChecked(line, "payment");
    }
    const committed = decided?.transaction;
    if (held.state === "posted") {
      this.#checkPosted(name, payment, held, decided, chain.name);
    } else if (held.state === "released" && held.code && decided?.code !== held.code) {
      const there = committed ? "committed" : decided?.code ?? "not decided";
      const what = `${name} has it as aborted (${held.code}), but at ${chain.name} it is ${there}`;
      // That it is committed there is told from that side, too, where this node prepared it.
      if (!committed || committed !== held.transaction) this.#violation(payment, what);
    } else if (held.state === "forced" && held.transaction !== committed) {
      if (held.commit && decided?.code) {
        const what = `transaction ${held.transaction} was forced to commit at ${name}, but ` +
          `${chain.name} aborted it`;
        this.#violation(payment, what);
      } else if (!decided) this.#noDecision(name, payment, held);
    }
  }

  #checkPosted(
    name: string,
    payment: PaymentId,
    held: Held,
    decided: Decided | undefined,
    coordinator: string,
  ): void {
    if (!decided?.transaction) {
      const there = decided ? `has aborted it (${decided.code})` : "has not committed it";
      this.#violation(payment, `${name} has posted it, but ${coordinator} ${there}`);
    } else if (!decided.participants.includes(name)) {
      const what = `${name} has posted it, but has no leg in what ${coordinator} committed`;
      this.#violation(payment, what);
    } else if (held.number !== decided.number) {
      const what = `${name} has it decided in entry ${held.number} of ${coordinator}, which ` +
        `committed it in entry ${decided.number}`;
      this.#violation(payment, what);
    }
  }

  /** Without the coordinator's log, participants can still be compared with each other. */
  #checkAlone(name: string, payment: PaymentId, held: Held): void {
    if (held.state === "forced") return this.#noDecision(name, payment, held);
    this.#findings.notChecked(
      `payments at ${name} against the coordinator's decisions: no log of the coordinator`,
      "payment",
    );
    this.#checkAmongThem(name, payment, held);
  }

  /** What one participant has posted all others have. */
  #checkAmongThem(name: string, payment: PaymentId, held: Held): void {
    const { transaction, hash, participants, state } = held;
    if (state !== "posted" || !transaction) return;
    const says = `${name} has posted`;
    const committed = { payment, transaction, hash, participants, says, by: name };
    this.#checkAll({ ...committed, hasEnded: false });
  }

  /** What an operator forced where the decision is not known: some other participant may show that it was wrong. */
  #noDecision(name: string, payment: PaymentId, { transaction, commit }: Held): void {
    for (const [other, { payments }] of this.#participants) {
      const there = payments.get(payment);
      if (other === name || !there || there.transaction !== transaction) continue;
      const isCommitted = commitOf(there);
      if (isCommitted === undefined || isCommitted === commit) continue;
      // Two operators against each other are told once.
      if (there.state === "forced" && other < name) return;
      const here = decisionText(commit === true);
      const how = there.state === "forced" ? `forced to ${decisionText(isCommitted)}` : there.state;
      const what =
        `transaction ${transaction} was forced to ${here} at ${name}, but is ${how} at ` +
        `${other}: whatever was decided, it is not atomic`;
      return this.#violation(payment, what);
    }
    this.#findings.notChecked(
      `transaction ${transaction} of payment ${payment}, forced to ` +
        `${decisionText(commit === true)} at ${name}: the real decision is not known here`,
    );
  }

  #violation(payment: PaymentId, what: string): void {
    this.#findings.violation("agreement", `payment ${payment}: ${what}`);
  }
}

/** What a participant's books have of a transaction, where they have come to anything. */
function commitOf({ state, commit }: Held): boolean | undefined {
  if (state === "forced") return commit;
  return state === "posted" ? true : state === "released" ? false : undefined;
}
