/** Second reading of a log: what its records make, one after the other. */

import type { Entry } from "../codec/record.ts";
import { IntegrityError } from "../errors.ts";
import type { Log } from "../log/log.ts";
import type { Storage } from "../log/storage.ts";
import type { Decided } from "../protocol/message.ts";
import type { LogRecord } from "../protocol/record.ts";
import type { Chain } from "./chain.ts";
import { CoordinatorBook } from "./coordinator_book.ts";
import { DetailsCheck } from "./details.ts";
import type { Findings } from "./findings.ts";
import { Fold } from "./fold.ts";
import { LookUpCheck } from "./look_ups.ts";
import { ParticipantBook } from "./participant_book.ts";
import type { PaymentTable } from "./payment_table.ts";
import type { Decided as DecidedPayment, Held } from "./payments.ts";
import { Complaints } from "./payments.ts";
import { SignatureCheck } from "./signatures.ts";
import type { Network } from "./witnesses.ts";
import { WitnessCheck } from "./witnesses.ts";

interface NodeHistory {
  readonly chain: Chain;
  readonly fold: Fold;
}

export interface CoordinatorHistory extends NodeHistory {
  readonly role: "coordinator";
  readonly payments: PaymentTable<DecidedPayment>;
}

export interface ParticipantHistory extends NodeHistory {
  readonly role: "participant";
  readonly payments: PaymentTable<Held>;
}

export type History = CoordinatorHistory | ParticipantHistory;

/** Checks what a node's records make, and what they say of its peers. */
export async function readHistory(
  log: Log,
  storage: Storage,
  chain: Chain,
  network: Network,
  findings: Findings,
): Promise<History> {
  const { name, genesis: { role } } = chain;
  const coordinator = network.coordinator?.name ?? soleOf(chain.coordinators);
  const fold = new Fold(chain, coordinator, findings);
  const witnesses = new WitnessCheck(chain, network, findings);
  const signatures = new SignatureCheck(chain, coordinator, findings);
  const lookUps = new LookUpCheck(name, storage, log.checkpointNumber, findings);
  const details = new DetailsCheck(chain, storage, findings);
  const complaints = new Complaints(name, findings);
  const book = role === "coordinator"
    ? new CoordinatorBook(complaints)
    : new ParticipantBook(complaints);
  for await (const entry of readableEntries(log, chain)) {
    witnesses.check(entry);
    details.add(entry);
    for (const record of entry.records) {
      const signer = signatures.add(record, entry);
      const isLost = checkDecided(record, entry, chain, network, findings);
      book.add(record, entry, { signer, isLost });
      fold.add(record, entry);
      lookUps.add(record, entry.number);
    }
    fold.checkpoint(entry);
    lookUps.endEntry();
  }
  book.finish();
  witnesses.finish();
  fold.checkBooks();
  await details.finish();
  if (chain.isWhole && await replays(log, name, findings)) await lookUps.finish(log);
  return book instanceof CoordinatorBook
    ? { role: "coordinator", chain, fold, payments: book.payments }
    : { role: "participant", chain, fold, payments: book.payments };
}

/** The entries up to where the chain breaks, if it does. */
async function* readableEntries(log: Log, { length }: Chain): AsyncIterable<Entry> {
  if (length === 0) return;
  for await (const { entry } of log.entries()) {
    yield entry;
    if (entry.number === length) return;
  }
}

/** Whether a node could start from the stored checkpoint and the entries after it. */
async function replays(log: Log, name: string, findings: Findings): Promise<boolean> {
  try {
    await log.replay(() => {});
    return true;
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error;
    findings.violation("checkpoints", `${name}: ${error.message}`);
    return false;
  }
}

/**
 * What was decided names the entry of its decision, with that entry's clock and time. Returns whether the
 * coordinator has lost that since, as operators say who have readmitted it later.
 */
function checkDecided(
  record: LogRecord,
  entry: Entry,
  { name }: Chain,
  network: Network,
  findings: Findings,
): true | undefined {
  const { coordinator } = network;
  if (!coordinator || !("decided" in record) || !record.decided) return undefined;
  const { decided } = record;
  if (decided.number > coordinator.length && !coordinator.isWhole) return undefined;
  const isEntry = decided.number <= coordinator.length && decided.number > 0;
  if (isEntry && coordinator.hasAt(decided)) return undefined;
  if (isLost(decided, coordinator, network)) return true;
  const payment = "payment" in record ? record.payment : record.order.payment;
  const what = isEntry
    ? `with another clock or time than ${coordinator.name} has there`
    : `but the log of ${coordinator.name} ends at entry ${coordinator.length}`;
  findings.violation(
    "decisions",
    `${name}: entry ${entry.number} has payment ${payment} decided in entry ${decided.number}, ` +
      what,
  );
  return undefined;
}

/** Whether a decision can have stood in entries that are lost: not in what a copy had, and in nobody's past who
 * has readmitted the coordinator since. */
function isLost(decided: Decided, coordinator: Chain, { readmitted }: Network): boolean {
  if (decided.number < (coordinator.lostFrom ?? coordinator.length + 1)) return false;
  for (const [peer, number] of readmitted.get(coordinator.name) ?? []) {
    if ((decided.clock.get(peer) ?? 0) < number) return true;
  }
  return false;
}

function soleOf(names: ReadonlySet<string> | undefined): string | undefined {
  return names?.size === 1 ? [...names][0] : undefined;
}
