/** The fold of a log from genesis, by the rules that a node itself follows. */

import type { Entry } from "../codec/record.ts";
import { InvariantError } from "../errors.ts";
import { CheckpointHashes } from "../log/checkpoint.ts";
import { CoordinatorState } from "../protocol/coordinator_state.ts";
import { ParticipantState } from "../protocol/participant_state.ts";
import type { LogRecord } from "../protocol/record.ts";
import type { Chain } from "./chain.ts";
import type { Findings } from "./findings.ts";

/** Records after which what is settled is forgotten; nodes do so at checkpoints. */
const forgetRecords = 8_192;

export class Fold {
  readonly participant: ParticipantState | undefined;
  readonly #state: CoordinatorState | ParticipantState;
  readonly #chain: Chain;
  readonly #findings: Findings;
  /** Whether the hash of the state does not depend on a name that is not known. */
  #isExact = true;
  readonly #hasCoordinator: boolean;
  readonly #hashes = new CheckpointHashes();
  /** The entry of the checkpoint before; 0 without one. */
  #lastCheckpoint = 0;
  #records = 0;
  /** The state is that of the log's head. */
  isWhole = true;

  /** @param coordinator its name, if it is known */
  constructor(chain: Chain, coordinator: string | undefined, findings: Findings) {
    const { name, role } = chain.genesis;
    this.#chain = chain;
    this.#findings = findings;
    this.#hasCoordinator = coordinator !== undefined;
    if (role === "participant") this.participant = new ParticipantState(name, coordinator ?? "");
    this.#state = this.participant ?? new CoordinatorState();
  }

  add(record: LogRecord, entry: Entry): void {
    const { name } = this.#chain;
    if (record.type === "balance" || record.type === "unacknowledged") {
      const what = `holds "${record.type}", which only checkpoints do`;
      this.#findings.violation("books", `${name}: entry ${entry.number} ${what}`);
    } else if (record.type === "checkpointed" && record.number >= entry.number) {
      const what = `confirms a checkpoint at entry ${record.number}`;
      this.#findings.violation("checkpoints", `${name}: entry ${entry.number} ${what}`);
    } else if (record.type === "readmitted" && this.participant && !this.#hasCoordinator) {
      this.#isExact = false;
    }
    if (!this.isWhole) return;
    try {
      this.#state.apply(record, entry);
    } catch (error) {
      if (!(error instanceof InvariantError)) throw error;
      this.#findings.violation("fold", `${name}: entry ${entry.number}: ${error.message}`);
      this.isWhole = false;
    }
    if (++this.#records % forgetRecords > 0) return;
    this.#state.rotate();
    this.#state.dropIndexed();
  }

  /** The state as of `entry`, against the checkpoints that say what it is. */
  checkpoint({ number, clock, atMs }: Entry): void {
    const { name, checkpoints } = this.#chain;
    const confirmed = checkpoints.get(number);
    if (!confirmed) return;
    const line = `the checkpoint of ${name} at entry ${number}`;
    if (!this.isWhole) {
      return this.#findings.notChecked(`${line}: the entries before do not add up`);
    }
    const { on } = confirmed[0]!;
    const hash = this.#hashes.next(this.#state.freeze({ number, clock, atMs }), on > 0);
    this.#state.dropIndexed();
    const last = this.#lastCheckpoint;
    this.#lastCheckpoint = number;
    if (confirmed.some((record) => record.on !== 0 && record.on !== last)) {
      const what = `goes on from another than the one before it, which is at entry ${last}`;
      this.#findings.violation(
        "checkpoints",
        `${name}: the checkpoint at entry ${number} ${what}`,
      );
    } else if (!this.#isExact) this.#findings.notChecked(`${line}: no log of the coordinator`);
    else if (!confirmed.every((record) => record.on === on && record.hash === hash)) {
      this.#findings.violation(
        "checkpoints",
        `${name}: the checkpoint at entry ${number} is not what the entries up to there make`,
      );
    }
  }

  /** The books at the log's head: double entry, so each currency adds up to zero. */
  checkBooks(): void {
    if (!this.participant) return;
    const { name } = this.#chain;
    if (!this.isWhole) return this.#findings.notChecked(`the books of ${name}: see its violation`);
    const { ledger } = this.participant;
    const sums = new Map<string, bigint>();
    for (const { currency, posted } of ledger.accounts()) {
      sums.set(currency, (sums.get(currency) ?? 0n) + posted);
    }
    for (const { currency, accounts, settlement, equity } of ledger.books()) {
      const isZero = accounts + settlement + equity === 0n;
      if (isZero && accounts === (sums.get(currency) ?? 0n)) continue;
      this.#findings.violation("books", `${name}: the books in ${currency} do not add up to zero`);
    }
  }
}
