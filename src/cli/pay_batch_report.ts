/** What became of the payments of a batch: a line for each on stdout, and the sum of them. */

import { messageOf } from "../errors.ts";
import { exitCode } from "./exit_code.ts";
import type { Io } from "./io.ts";
import { note } from "./io.ts";
import type { BatchPayment } from "./pay_batch_file.ts";
import { lostText, reasonText } from "./pay_outcome.ts";
import type { PayOutcome } from "./pay_outcome.ts";
import type { Tone } from "./style.ts";

/** Between two lines that tell how far it is. */
const progressMs = 1_000;

/** Of a line, told and counted. */
type State = Exclude<PayOutcome["state"], "malformed">;

export class BatchReport {
  readonly #io: Io;
  readonly #isJson: boolean;
  readonly #payments: readonly BatchPayment[];
  readonly #timer: ReturnType<typeof setInterval> | undefined;
  readonly #counts: Record<State, number> = { committed: 0, aborted: 0, failed: 0, unknown: 0 };
  /** Of those that are unknown: to send them again by their ids is none. */
  #withRemedy = 0;
  #told = 0;
  /** Why the outcomes can't be written any more. */
  #failure: string | undefined;
  /** Lines without an id that are paid, or may be: the next time they get other ids. */
  #payableTwice = 0;

  constructor(payments: readonly BatchPayment[], io: Io, isJson: boolean) {
    this.#payments = payments;
    this.#io = io;
    this.#isJson = isJson;
    const progress = () => note(io, `${this.#told} of ${payments.length} payments answered`);
    this.#timer = io.isWatched ? setInterval(progress, progressMs) : undefined;
  }

  /** Before they are sent: whoever is killed then can complete the file, and send it again. */
  announce(payments: readonly BatchPayment[]): void {
    for (const { line, id, hasOwnId } of payments) {
      if (!hasOwnId) note(this.#io, `line ${line}: payment ${id}`);
    }
  }

  /** @param answer the node's, where it has one for this very payment */
  tell({ line, id, hasOwnId }: BatchPayment, outcome: PayOutcome, answer?: object): void {
    this.#told++;
    const state = outcome.state === "malformed" ? "failed" : outcome.state;
    this.#counts[state]++;
    if (outcome.state === "unknown" && outcome.remedy !== undefined) this.#withRemedy++;
    if (!hasOwnId && (state === "committed" || state === "unknown")) this.#payableTwice++;
    if (outcome.state === "committed" && outcome.isLost) {
      note(this.#io, `handfast: line ${line}: ${lostText(id)}`);
    }
    const reason = outcome.state === "committed" ? undefined : reasonText(outcome);
    if (this.#isJson) {
      // Without an answer it is unknown, or nothing was begun.
      const silent = { state: state === "unknown" ? state : "not_started", detail: reason };
      this.#out(JSON.stringify({ id, ...answer ?? silent, line }));
      return;
    }
    const told = `${line}: ${this.#io.style.paint(tones[state], state)} ${id}`;
    this.#out(reason === undefined ? told : `${told}: ${reason}`);
  }

  /** Whether what is told still arrives: no more is sent where nobody would hear what became of it. */
  get isHeard(): boolean {
    return this.#failure === undefined;
  }

  #out(line: string): void {
    if (!this.isHeard) return;
    try {
      this.#io.out(line);
    } catch (thrown) {
      this.#failure = messageOf(thrown);
    }
  }

  /** Tells the sum, and what to do about the rest; returns the exit code. */
  end(): number {
    clearInterval(this.#timer);
    const { committed, aborted, failed, unknown } = this.#counts;
    const others = Object.entries({ aborted, failed, unknown })
      .filter(([, count]) => count > 0)
      .map(([state, count]) => `, ${count} ${state}`);
    const { length } = this.#payments;
    const what = length === 1 ? "payment" : "payments";
    note(this.#io, `${length} ${what}: ${committed} committed${others.join("")}`);
    if (unknown > this.#withRemedy) {
      note(
        this.#io,
        'handfast: where the outcome is unknown, ask "handfast payment ID", or send the line again ' +
          "with its id, which pays once",
      );
    }
    if (this.#withRemedy > 0) {
      note(
        this.#io,
        'handfast: where the id was used before, ask "handfast payment ID", here or at the coordinator: ' +
          "by another id it may be paid twice",
      );
    }
    const twice = this.#payableTwice;
    if (twice > 0) {
      const [given, them] = twice === 1
        ? ["the line without an id the one shown", "it"]
        : [`the ${twice} lines without an id those shown`, "them"];
      note(this.#io, `handfast: give ${given}, or the file sent again may pay ${them} twice`);
    }
    if (!this.isHeard) {
      note(
        this.#io,
        `handfast: not all outcomes could be written: ${this.#failure}; what was paid is what ` +
          '"handfast payments" lists',
      );
    }
    if (unknown > 0 || !this.isHeard) return exitCode.unknown;
    if (failed > 0) return exitCode.failed;
    return aborted > 0 ? exitCode.aborted : exitCode.done;
  }
}

const tones: Readonly<Record<State, Tone>> = {
  committed: "good",
  aborted: "bad",
  failed: "bad",
  unknown: "warning",
};
