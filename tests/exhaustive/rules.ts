/** What must hold in every state that a network can come to, and once nothing goes wrong any more. */

import type { PaymentId, TransactionId } from "../../src/protocol/id.ts";
import { transactionParts } from "../../src/protocol/id.ts";
import type { Message } from "../../src/protocol/message.ts";
import type { Order } from "../../src/protocol/order.ts";
import { participantsOf, sameOrder } from "../../src/protocol/order.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import type { Scope } from "./scope.ts";
import { orderOfRequest } from "./scope.ts";

/** What the rules look at of a node. */
export interface Seen {
  readonly name: string;
  readonly log: readonly LogRecord[];
  readonly told: ReadonlySet<string>;
  readonly alarms: ReadonlySet<string>;
  readonly asked: number;
  /** Whether its log has been lost, so that it may lack what was done before. */
  readonly isLost: boolean;
  /** What that had. */
  readonly lost: readonly LogRecord[];
}

/** What a log says, by transactions, and a user was told. */
interface Facts {
  readonly committed: ReadonlyMap<TransactionId, Order>;
  /** By payments. */
  readonly aborted: ReadonlyMap<string, Order>;
  readonly ended: ReadonlySet<string>;
  readonly prepared: ReadonlyMap<TransactionId, Order>;
  /** With their payments. */
  readonly posted: ReadonlyMap<TransactionId, PaymentId>;
  readonly released: ReadonlySet<string>;
  readonly refused: ReadonlySet<string>;
  readonly forced: ReadonlyMap<string, boolean>;
  readonly mismatched: ReadonlySet<string>;
  readonly answers: readonly Answer[];
}

interface Answer {
  readonly request: number;
  readonly state: string;
}

const known = new WeakMap<object, Facts>();
const everKnown = new WeakMap<object, Facts>();

function factsOf(seen: Pick<Seen, "log" | "told">): Facts {
  const facts = known.get(seen) ?? gathered(seen);
  known.set(seen, facts);
  return facts;
}

/** Also what its log has lost. */
function everOf(seen: Pick<Seen, "log" | "told" | "lost">): Facts {
  if (seen.lost.length === 0) return factsOf(seen);
  const facts = everKnown.get(seen) ??
    gathered({ log: seen.lost.concat(seen.log), told: seen.told });
  everKnown.set(seen, facts);
  return facts;
}

function gathered({ log, told }: Pick<Seen, "log" | "told">): Facts {
  const facts = {
    committed: new Map<TransactionId, Order>(),
    aborted: new Map<string, Order>(),
    ended: new Set<string>(),
    prepared: new Map<TransactionId, Order>(),
    posted: new Map<TransactionId, PaymentId>(),
    released: new Set<string>(),
    refused: new Set<string>(),
    forced: new Map<string, boolean>(),
    mismatched: new Set<string>(),
    answers: [...told].map((text): Answer => {
      const [request, state] = text.split(" ") as [string, string];
      return { request: Number(request), state };
    }).filter(({ request }) => request > 0),
  };
  for (const record of log) {
    switch (record.type) {
      case "committed":
        facts.committed.set(record.transaction, record.order);
        break;
      case "aborted":
        facts.aborted.set(record.order.payment, record.order);
        break;
      case "posted":
        facts.posted.set(record.transaction, record.payment);
        break;
      case "forced":
        facts.forced.set(record.transaction, record.commit);
        break;
      case "mismatch":
        facts.mismatched.add(record.transaction);
        break;
      case "prepared":
        facts.prepared.set(record.transaction, record.order);
        break;
      case "ended":
      case "released":
      case "refused":
        facts[record.type].add(record.transaction);
        break;
    }
  }
  return facts;
}

/** What stands prepared in a log, and nothing of what became of it. */
export function doubtsIn(log: readonly LogRecord[]): TransactionId[] {
  const { prepared, posted, released, forced } = factsOf({ log, told: new Set() });
  return [...prepared.keys()].filter((one) =>
    !posted.has(one) && !released.has(one) && !forced.has(one)
  );
}

/** The rule that a state breaks, if it does. */
export function violationIn(
  [coordinator, ...participants]: readonly Seen[],
  scope: Scope,
): string | undefined {
  const decided = everOf(coordinator!);
  for (const seen of [coordinator!, ...participants]) {
    for (const alarm of seen.alarms) return `${seen.name} raises an alarm: ${alarm}`;
  }
  // An abort that was lost binds nobody but those who were told: of these `ofAnswers` asks.
  const { aborted } = factsOf(coordinator!);
  return ofDecisions({ ...decided, aborted }, participants) ??
    first(participants, (seen) => ofBooks(seen, decided) ?? ofAnswers(seen, decided, scope));
}

function ofDecisions(
  { committed, aborted, ended }: Facts,
  participants: readonly Seen[],
): string | undefined {
  const paid = new Set<string>();
  for (const [transaction, { payment, legs, originator }] of committed) {
    if (paid.has(payment)) return `${payment} is committed twice`;
    if (aborted.has(payment)) return `${payment} is committed and aborted (AC2)`;
    paid.add(payment);
    if (legs.some(({ amount, participant }) => amount < 0n && participant !== originator)) {
      return `${transaction} debits what its originator does not own`;
    }
  }
  return first(participants, (seen) => {
    for (const [transaction, order] of committed) {
      if (!participantsOf(order).includes(seen.name)) continue;
      const { prepared, posted, mismatched, released, refused } = factsOf(seen);
      const what = `${transaction} is committed, and ${seen.name} has`;
      if (!prepared.has(transaction) && !seen.isLost) return `${what} not prepared it (AC3)`;
      if (refused.has(transaction)) return `${what} refused it (AC1)`;
      if (released.has(transaction)) return `${what} released it (AC1)`;
      const isOver = posted.has(transaction) || mismatched.has(transaction) || seen.isLost;
      if (ended.has(transaction) && !isOver) {
        return `${what} not posted it, but it is forgotten`;
      }
    }
    return undefined;
  });
}

function ofBooks(seen: Seen, { committed }: Facts): string | undefined {
  const payments = new Set<string>();
  for (const [transaction, payment] of factsOf(seen).posted) {
    if (!committed.has(transaction)) return `${seen.name} posts ${transaction}, of no commit (AC1)`;
    if (payments.has(payment)) return `${seen.name} posts ${payment} twice`;
    payments.add(payment);
  }
  return undefined;
}

function ofAnswers(seen: Seen, decided: Facts, { orders }: Scope): string | undefined {
  const { answers } = factsOf(seen);
  for (const { request, state } of answers) {
    const order = orders[orderOfRequest(request)]!;
    if (state === "committed" && !isPaid(order, decided)) return `${seen.name} tells of no commit`;
    // Of its id, so perhaps of another's order: this one is not committed any more either.
    const isAborted = decided.aborted.has(order.payment);
    if (state === "aborted" && !isAborted) return `${seen.name} tells of no abort`;
    if (state === "aborted" && isPaid(order, decided)) {
      return `${seen.name} tells of an abort of what is committed`;
    }
  }
  const own = orders.filter(({ originator }) => originator === seen.name);
  const isNothing = answers.length === seen.asked &&
    answers.every(({ state }) => state === "rejected");
  if (isNothing && own.some((order) => isPaid(order, decided))) {
    return `${seen.name} has told all that nothing was begun, and it is committed`;
  }
  return undefined;
}

function isPaid(order: Order, { committed }: Facts): boolean {
  for (const paid of committed.values()) if (sameOrder(paid, order)) return true;
  return false;
}

/** What is not over, though nothing has gone wrong for long (AC4, AC5). */
export function unsettledIn([coordinator, ...participants]: readonly Seen[]): string | undefined {
  const hopeless = hopelessIn(coordinator!, participants);
  const { ended, committed: known } = factsOf(coordinator!);
  for (const transaction of known.keys()) {
    if (!ended.has(transaction)) return `${transaction} never ends`;
  }
  const { committed } = everOf(coordinator!);
  return first(participants, (seen) => {
    const { prepared, posted, released, forced, mismatched } = factsOf(seen);
    for (const transaction of prepared.keys()) {
      if (hopeless.has(transaction)) continue;
      const isCommitted = committed.has(transaction);
      const isOther = forced.has(transaction) && forced.get(transaction) !== isCommitted;
      const end = isOther ? mismatched : isCommitted ? posted : released;
      if (!end.has(transaction)) return `${transaction} stays undecided at ${seen.name}`;
    }
    return undefined;
  });
}

/** What all are in doubt about, as what was decided of it was lost: only operators can end it. */
function hopelessIn(
  coordinator: Seen,
  participants: readonly Seen[],
): ReadonlyMap<TransactionId, Order> {
  const hopeless = new Map<TransactionId, Order>();
  if (!coordinator.isLost) return hopeless;
  const { committed } = factsOf(coordinator);
  for (const { log } of participants) {
    for (const [transaction, order] of factsOf({ log, told: new Set() }).prepared) {
      const isInDoubt = ({ name, log }: Seen) =>
        !participantsOf(order).includes(name) || doubtsIn(log).includes(transaction);
      if (!committed.has(transaction) && participants.every(isInDoubt)) {
        hopeless.set(transaction, order);
      }
    }
  }
  return hopeless;
}

/** Whether nobody can tell what becomes of an order, as what was decided was lost; or somebody has refused what
 * may be to come, by the numbers of a coordinator that counts its epochs anew. */
function mayStayPending(
  { payment }: Order,
  coordinator: Seen,
  participants: readonly Seen[],
): boolean {
  if (hopelessIn(coordinator, participants).values().some((of) => of.payment === payment)) {
    return true;
  }
  const present = coordinator.log.filter(({ type }) => type === "started").length;
  return coordinator.isLost &&
    participants.some((seen) =>
      [...factsOf(seen).refused].some((one) =>
        transactionParts(one as TransactionId).counter > present
      )
    );
}

/** What is wrong with what one is told who has asked again when all was over. */
export function wrongAnswer(
  [coordinator, ...participants]: readonly Seen[],
  { orders }: Scope,
  request: number,
): string | undefined {
  const order = orders[orderOfRequest(request)]!;
  const { answers } = factsOf(participants.find(({ name }) => name === order.originator)!);
  const states = answers.filter((answer) => answer.request === request).map(({ state }) => state);
  if (states.join() === "pending" && mayStayPending(order, coordinator!, participants)) {
    return undefined;
  }
  const isTrue = states.includes("committed") === isPaid(order, everOf(coordinator!));
  if (isTrue && states.some((state) => state !== "pending")) return undefined;
  return `who asks again is told ${states.join() || "nothing"}`;
}

/** What a node says that its log does not have. */
export function untrueIn(
  { name, log }: Pick<Seen, "name" | "log">,
  said: readonly Message[],
): string | undefined {
  const facts = factsOf({ log, told: new Set() });
  return first(said, (message) => {
    const what = untrue(message, facts);
    return what && `${name} ${what}`;
  });
}

function untrue(
  message: Message,
  { prepared, posted, mismatched, committed, aborted }: Facts,
): string | undefined {
  switch (message.type) {
    case "vote":
      if (!message.yes || prepared.has(message.transaction)) return undefined;
      return `votes yes to ${message.transaction}, which its log has not prepared`;
    case "ack":
      if (posted.has(message.transaction) || mismatched.has(message.transaction)) return undefined;
      return `acks ${message.transaction}, which its log has not posted`;
    case "decision": {
      const { commit, transaction, code, payment, proof } = message;
      // Another's, which is passed on.
      if (proof) return undefined;
      if (commit && !committed.has(transaction)) {
        return `commits ${transaction} before its log does`;
      }
      if (code && !aborted.has(payment)) return `aborts ${payment} before its log does`;
      return undefined;
    }
    default:
      return undefined;
  }
}

function first<T>(
  all: readonly T[],
  ruleOf: (one: T) => string | undefined,
): string | undefined {
  for (const one of all) {
    const rule = ruleOf(one);
    if (rule) return rule;
  }
  return undefined;
}
