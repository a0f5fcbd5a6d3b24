/** How large a network is explored, and what may happen in it how often. */

import type { Order } from "../../src/protocol/order.ts";

export interface Scope {
  readonly name: string;
  /** Besides the coordinator. */
  readonly participants: readonly string[];
  /** What users order at their originators, any of them at any time. */
  readonly orders: readonly Order[];
  /** Of each participant's account, USD cents. */
  readonly opening: bigint;
  /** How often users and operators of one node ask, in all. */
  readonly asksMax: number;
  /** Of all nodes together. */
  readonly crashesMax: number;
  /** The only one that crashes; any node where nobody is named. */
  readonly crasher?: string;
  /** How often the coordinator tries to commit; what would come after that is not looked at. */
  readonly attemptsMax: number;
  /** Who loses its data folder, at any time, once. A participant is readmitted, and given back what the
   * coordinator has; the coordinator starts from any older copy. */
  readonly loser?: string;
  /** Whether the coordinator loses all, and is readmitted by every participant. */
  readonly isFolderLost?: true;
  /** Whether operators give back what the coordinator has committed, at any time, though nothing was lost. */
  readonly areRestored?: true;
  /** Whether operators force what is in doubt, either way. */
  readonly areForced?: true;
  /** Whether what is over leaves the nodes' memory for their logs' index. */
  readonly areForgotten?: true;
}

export const coordinator = "coordinator";
/** Between two ticks: all time-outs are over then. */
export const tickMs = 6_000;
/** How long a user waits: until the next tick. */
export const waitMs = 3_000;

/** Requests for an order of the scope have numbers of their own. */
export function requestFor(order: number, asked: number): number {
  return 100 * (order + 1) + asked;
}

export function orderOfRequest(request: number): number {
  return Math.floor(request / 100) - 1;
}
