/** What a checkpoint keeps of a state: it stays as it was, while the state itself goes on. */

import type { Found } from "./step.ts";

export interface Frozen {
  /** Of every account. */
  readonly all: Balances;
  /** Of the accounts that have changed since the state was frozen the last time, or made from what a
   * checkpoint had. */
  readonly changed: Balances;
  /** The rest of the state, which is little. */
  readonly rest: readonly Found[];
}

/** They are made as they are taken, once: of a million they would otherwise hold up all else for long. */
export interface Balances {
  readonly count: number;
  readonly found: Iterable<Found>;
}

export const noBalances: Balances = { count: 0, found: [] };
