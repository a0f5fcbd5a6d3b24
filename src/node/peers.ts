/** Who is linked with a node, and by what it knows them before they are recorded. */

import type { Role } from "../names.ts";
import type { Membership } from "../protocol/membership.ts";
import type { Introduction } from "../protocol/message.ts";
import type { VectorClock } from "../protocol/vector_clock.ts";

export class Peers {
  readonly #name: string;
  readonly #role: Role;
  readonly #membership: Membership;
  /** Each with what stands for that one link. */
  readonly #links = new Map<string, symbol>();
  /** When those that had a link since the start lost it, milliseconds since 1970. */
  readonly #downMs = new Map<string, number>();
  /** Those whose certificate says so; there is one. */
  readonly #coordinators = new Set<string>();
  /** Of peers that have linked since the start, before they are recorded. */
  readonly #introductions = new Map<string, Introduction>();
  /** Peers that a coordinator has not on its disk yet. */
  readonly #newcomers = new Set<string>();

  constructor(name: string, role: Role, membership: Membership) {
    this.#name = name;
    this.#role = role;
    this.#membership = membership;
  }

  linkUp(peer: string, role: Role, introduction: Introduction): void {
    this.#links.set(peer, Symbol(peer));
    this.#introductions.set(peer, introduction);
    if (role === "coordinator") this.#coordinators.add(peer);
    if (this.#role === "coordinator" && !this.#membership.knows(peer)) this.#newcomers.add(peer);
  }

  linkDown(peer: string, atMs: number): void {
    this.#links.delete(peer);
    this.#downMs.set(peer, atMs);
    // It is recorded by now, and may come back another.
    this.#introductions.delete(peer);
  }

  /** A newcomer is on the disk. */
  recorded(peer: string): void {
    this.#newcomers.delete(peer);
  }

  linked(): Iterable<string> {
    return this.#links.keys();
  }

  isLinked(peer: string): boolean {
    return this.#links.has(peer);
  }

  /** Another one each time that a link is made. */
  linkOf(peer: string): symbol | undefined {
    return this.#links.get(peer);
  }

  /** Nothing where it is linked, or never was since the start. */
  downSinceMs(peer: string): number | undefined {
    return this.isLinked(peer) ? undefined : this.#downMs.get(peer);
  }

  isCoordinator(peer: string): boolean {
    return this.#coordinators.has(peer);
  }

  isNewcomer(peer: string): boolean {
    return this.#newcomers.has(peer);
  }

  introductionOf(name: string): Introduction | undefined {
    return this.#introductions.get(name) ?? this.#membership.introductionOf(name);
  }

  /**
   * Whether all nodes that a peer's clock names are known here: a participant could fill the clocks of
   * the whole network with names of its own making. A coordinator that passed on what a newcomer says
   * would be told, after a crash, of a node that it has forgotten.
   */
  areKnown(peer: string, clock: VectorClock): boolean {
    if (this.#coordinators.has(peer)) return true;
    if (this.#newcomers.has(peer)) return false;
    for (const name of clock.keys()) {
      if (name === peer || name === this.#name || this.#membership.knows(name)) continue;
      if (!this.#coordinators.has(name)) return false;
    }
    return true;
  }
}
