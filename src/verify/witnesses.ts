/** What a node has seen of its peers, against what their logs hold. */

import { toHex } from "../bytes.ts";
import type { Entry, Witness } from "../codec/record.ts";
import type { Chain } from "./chain.ts";
import type { Findings } from "./findings.ts";

/** The logs given, by the names of their nodes. */
export class Network {
  readonly #chains = new Map<string, Chain>();
  /** Nodes that some peer has readmitted, and by which peers' entries: their counts of entries began again lower,
   * and what they had recorded before may be lost. */
  readonly readmitted = new Map<string, Map<string, number>>();

  constructor(chains: readonly Chain[]) {
    for (const chain of chains) {
      this.#chains.set(chain.name, chain);
      // That it has lost entries is not for a node itself to say.
      for (const [peer, number] of chain.readmitted) {
        if (peer === chain.name) continue;
        const by = this.readmitted.get(peer) ?? new Map<string, number>();
        this.readmitted.set(peer, by.set(chain.name, number));
      }
    }
  }

  get(name: string): Chain | undefined {
    return this.#chains.get(name);
  }

  get coordinator(): Chain | undefined {
    return [...this.#chains.values()].find(({ genesis }) => genesis.role === "coordinator");
  }
}

export class WitnessCheck {
  readonly #chain: Chain;
  readonly #network: Network;
  readonly #findings: Findings;
  #last: ReadonlyMap<string, Witness> = new Map();
  readonly #short = new Set<string>();

  constructor(chain: Chain, network: Network, findings: Findings) {
    this.#chain = chain;
    this.#network = network;
    this.#findings = findings;
  }

  check(entry: Entry): void {
    for (const [name, witness] of entry.witnesses) {
      const last = this.#last.get(name);
      if (last && last.number === witness.number && toHex(last.hash) === toHex(witness.hash)) {
        continue;
      }
      this.#checkWitness(name, witness, entry);
    }
    this.#last = entry.witnesses;
  }

  /** After the last entry: a clock counts entries, too, also those heard of through others. */
  finish(): void {
    const { name, clocks, length } = this.#chain;
    for (const peer of clocks.names()) {
      const there = this.#network.get(peer);
      if (!there?.isWhole || this.#network.readmitted.has(peer) || this.#short.has(peer)) continue;
      const known = clocks.at(peer, length);
      if (peer === name || known <= there.length) continue;
      this.#findings.violation(
        "witnesses",
        `${name}: its clock knows ${known} entries of ${peer}, whose log ends at entry ` +
          `${there.length}: amnesia or tampering`,
      );
    }
  }

  #checkWitness(peer: string, { number, hash }: Witness, entry: Entry): void {
    const { name, readmitted } = this.#chain;
    const there = this.#network.get(peer);
    if (!there) {
      this.#findings.notChecked(`what ${name} has seen of ${peer}: no log of ${peer}`, "entry");
      return;
    }
    const seen = `${name}: entry ${entry.number} has seen entry ${number} of ${peer}`;
    const found = there.hashOf(number);
    if (found === undefined && !there.isWhole) {
      const line = `what ${name} has seen of ${peer}: its log can't be read past entry ` +
        `${there.length}`;
      this.#findings.notChecked(line, "entry");
    } else if (found !== toHex(hash)) {
      const back = readmitted.get(peer) ?? 0;
      if (back >= entry.number) {
        const line = `what ${name} had seen of ${peer} that ${peer} has lost: ${name} readmitted ` +
          `it in entry ${back}`;
        return this.#findings.notChecked(line, "entry");
      }
      if (found === undefined) this.#short.add(peer);
      const what = found === undefined
        ? `whose log ends at entry ${there.length}`
        : "of another hash";
      this.#findings.violation("witnesses", `${seen}, ${what}: amnesia or tampering`);
    } else if (!there.clocks.isAtMost(number, entry.clock, this.#network.readmitted)) {
      this.#findings.violation("witnesses", `${seen}, whose clock is not in its past`);
    }
  }
}
