/** First reading of a log: its chain, its clock, and what it has seen of its peers. */

import { toHex, Writer } from "../bytes.ts";
import type { Entry, Witness } from "../codec/record.ts";
import { formatVersion, hashBytes } from "../codec/values.ts";
import { IntegrityError } from "../errors.ts";
import type { Log } from "../log/log.ts";
import { sameIntroduction } from "../protocol/membership.ts";
import type { Decided, Introduction } from "../protocol/message.ts";
import type { Checkpointed, Genesis } from "../protocol/record.ts";
import { ClockColumns } from "./clock_columns.ts";
import type { Findings } from "./findings.ts";

/** What is kept of a log's entries: hashes and clocks, by which other logs are compared with it. */
export class Chain {
  readonly clocks = new ClockColumns();
  readonly #times: number[] = [];
  /** One after the other. */
  readonly #hashes = new Writer();
  /** Checkpoints that entries confirm, by the entry at which they stand. */
  readonly checkpoints = new Map<number, Checkpointed[]>();
  /** The latest entry in which each peer was readmitted. */
  readonly readmitted = new Map<string, number>();
  /** The start in which it first recorded that it lacks entries: what it decided before stands above. */
  lostFrom: number | undefined;
  #started = 0;
  /** By what each peer was known, and the entry in which it first was. */
  readonly introductions: (Pick<Entry, "number" | "atMs"> & {
    readonly name: string;
    readonly introduction: Introduction;
  })[] = [];
  /** Peers that may be the coordinator, as far as decisions tell. */
  coordinators: Set<string> | undefined;
  /** Whether it holds together up to its head. */
  isWhole = true;

  constructor(readonly genesis: Genesis) {}

  get name(): string {
    return this.genesis.name;
  }

  get length(): number {
    return this.#hashes.length / hashBytes;
  }

  /** Hexadecimal. */
  hashOf(number: number): string | undefined {
    if (number < 1 || number > this.length) return undefined;
    return toHex(this.#hashes.slice((number - 1) * hashBytes, number * hashBytes));
  }

  /** Whether a decision stands in an entry of this log, which must have it. */
  hasAt({ number, clock, atMs }: Decided): boolean {
    return this.#times[number - 1] === atMs && this.clocks.equals(number, clock);
  }

  add(entry: Entry, hash: Uint8Array): void {
    this.#hashes.raw(hash);
    this.clocks.add(entry.clock);
    this.#times.push(entry.atMs);
    for (const record of entry.records) {
      switch (record.type) {
        case "checkpointed": {
          const confirmed = this.checkpoints.get(record.number) ?? [];
          this.checkpoints.set(record.number, [...confirmed, record]);
          break;
        }
        case "started":
          this.#started = entry.number;
          break;
        case "readmitted":
          this.readmitted.set(record.name, entry.number);
          if (record.name === this.name) this.lostFrom ??= this.#started;
          break;
        case "introduced": {
          const { name, introduction } = record;
          const isKnown = !introduction ||
            this.introductions.some((known) =>
              known.name === name && sameIntroduction(known.introduction, introduction)
            );
          if (isKnown) break;
          const { number, atMs } = entry;
          this.introductions.push({ name, introduction, number, atMs });
          break;
        }
        case "posted": {
          if (this.coordinators?.size === 1) break;
          const { number, clock } = record.decided;
          const names = [...clock].filter(([, count]) => count === number).map(([name]) => name);
          const known = this.coordinators;
          this.coordinators = new Set(names.filter((name) => !known || known.has(name)));
          break;
        }
      }
    }
  }
}

/** Reads the entries from genesis; nothing if not even that can be read. */
export async function readChain(
  log: Log,
  dir: string,
  findings: Findings,
): Promise<Chain | undefined> {
  let chain: Chain | undefined;
  let check: EntryCheck | undefined;
  try {
    for await (const { entry, hash } of log.entries()) {
      if (!chain) {
        const [genesis] = entry.records;
        if (genesis?.type !== "genesis") {
          findings.violation("genesis", `The log in "${dir}" does not begin with its genesis`);
          return undefined;
        }
        chain = new Chain(genesis);
        check = new EntryCheck(genesis, findings);
      }
      check?.check(entry);
      chain.add(entry, hash);
    }
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error;
    findings.violation("chain", `${chain?.name ?? `"${dir}"`}: ${error.message}`);
    if (chain) chain.isWhole = false;
    return chain;
  }
  const { number, hash } = log.head;
  const length = chain?.length ?? 0;
  if (length !== number) {
    findings.violation(
      "head",
      `${chain?.name ?? `"${dir}"`}: the log ends at entry ${length}, but its head is entry ` +
        `${number}: entries were removed or added`,
    );
    if (chain) chain.isWhole = false;
  } else if (!chain) {
    findings.notChecked(`the log in "${dir}": it has no entries`);
  } else if (chain.hashOf(number) !== toHex(hash)) {
    findings.violation(
      "head",
      `${chain.name}: entry ${number} is another than the log's head names`,
    );
  }
  return chain;
}

/** What has to hold of each entry after the one before. */
class EntryCheck {
  readonly #genesis: Genesis;
  readonly #findings: Findings;
  #starts = 0;
  #clock: ReadonlyMap<string, number> = new Map();
  #witnesses: ReadonlyMap<string, Witness> = new Map();
  /** Peers whose next witness may go back. */
  readonly #mayGoBack = new Set<string>();

  constructor(genesis: Genesis, findings: Findings) {
    this.#genesis = genesis;
    this.#findings = findings;
  }

  check(entry: Entry): void {
    this.#checkRecords(entry);
    this.#checkClock(entry);
    this.#checkWitnesses(entry);
  }

  #violation(kind: string, { number }: Entry, what: string): void {
    this.#findings.violation(kind, `${this.#genesis.name}: entry ${number} ${what}`);
  }

  #checkRecords(entry: Entry): void {
    for (const [at, record] of entry.records.entries()) {
      if (record.type === "genesis") {
        if (entry.number !== 1 || at > 0) {
          this.#violation("genesis", entry, "holds a second genesis");
        } else if (record.version !== formatVersion) {
          const { version } = record;
          this.#violation("genesis", entry, `is of format ${version}, not ${formatVersion}`);
        }
      } else if (record.type === "started") {
        const { counter } = record.epoch;
        if (counter !== this.#starts + 1) {
          const what = `is start ${counter}, but the one before was start ${this.#starts}`;
          this.#violation("starts", entry, what);
        }
        this.#starts = counter;
      } else if (record.type === "readmitted") this.#mayGoBack.add(record.name);
    }
    if (entry.number === 1 && this.#starts === 0) {
      this.#violation("starts", entry, "does not begin with a start");
    }
  }

  #checkClock(entry: Entry): void {
    const { number, clock } = entry;
    const own = clock.get(this.#genesis.name) ?? 0;
    if (own !== number) {
      this.#violation("clock", entry, `has ${own} as its own component of the clock`);
    }
    for (const [name, count] of this.#clock) {
      const now = clock.get(name) ?? 0;
      if (now >= count || name === this.#genesis.name) continue;
      const what = `knows ${now} entries of ${name}, but the entry before knew ${count}`;
      this.#violation("clock", entry, what);
    }
    this.#clock = clock;
  }

  #checkWitnesses(entry: Entry): void {
    const { clock, witnesses } = entry;
    for (const [peer, before] of this.#witnesses) {
      const now = witnesses.get(peer);
      if (now === before || now && isNoStepBack(before, now)) continue;
      // Readmitting takes back once what was seen of a peer.
      if (this.#mayGoBack.delete(peer)) continue;
      const seen = now ? `entry ${now.number}` : "nothing";
      const what = `has seen ${seen} of ${peer}, after entry ${before.number} ` +
        `${now?.number === before.number ? "of another hash " : ""}before, and ${peer} was not ` +
        "readmitted";
      this.#violation("witness order", entry, what);
    }
    for (const [peer, { number }] of witnesses) {
      const known = clock.get(peer) ?? 0;
      if (known >= number) continue;
      const what = `has seen entry ${number} of ${peer}, but its clock knows ${known}`;
      this.#violation("clock", entry, what);
    }
    this.#witnesses = witnesses;
  }
}

function isNoStepBack(before: Witness, now: Witness): boolean {
  if (now.number !== before.number) return now.number > before.number;
  return toHex(now.hash) === toHex(before.hash);
}
