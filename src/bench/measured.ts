/** The figures of one run: what its load came to, and what that cost. */

import type { Via } from "./payer.ts";
import type { Course, Window } from "./window.ts";
import { courseOf, figuresOf, together } from "./window.ts";
import type { Look } from "./worker.ts";

/** Times in milliseconds. */
export interface Measured {
  readonly concurrency: number;
  readonly via: Via;
  readonly participants: number;
  /** Committed payments a second. */
  readonly tps: number;
  readonly p50ms: number | null;
  readonly p99ms: number | null;
  readonly p999ms: number | null;
  /** No money came or went: the books of all, after the load had ended. */
  readonly conserved: boolean;
  readonly committed: number;
  readonly aborted: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly pending: number;
  /** With a rate: arrived, and not asked for, as so many as may be were under way. */
  readonly missed: number;
  /** Of a payment, in microseconds of one core. */
  readonly cpuUs: CpuUs;
  /** That one sync of a disk made durable, over all nodes. */
  readonly recordsPerSync: number;
  /** Of a payment, in the entries of all logs, and in the frames of all links. */
  readonly logBytes: number;
  readonly linkBytes: number;
  /** Of the node that has most. */
  readonly residentBytes: number;
  /** Of a long run. */
  readonly course?: Course;
}

interface CpuUs {
  readonly coordinator: number;
  /** All of them together. */
  readonly participants: number;
  /** Of those that pay over HTTP, together; they are no part of what is measured. */
  readonly clients?: number;
}

/** What all nodes, the coordinator first, and all clients looked like. */
export interface Scene {
  readonly nodes: readonly Look[];
  readonly clientsCpuUs: number;
}

export function measuredOf(
  run: { readonly via: Via; readonly concurrency: number },
  windows: readonly Window[],
  before: Scene,
  after: Scene,
  isConserved: boolean,
): Measured {
  const whole = together(windows);
  const { tps, p50ms, p99ms, p999ms } = figuresOf(whole);
  const added = (of: (look: Look) => number, nodes = after.nodes) =>
    nodes.reduce((all, look, i) => all + of(look) - of(before.nodes[i]!), 0);
  const coordinator = after.nodes.slice(0, 1);
  // Also those of the warm-up, as what they cost is counted, too.
  const payments = Math.max(1, added(({ committed }) => committed, coordinator));
  const each = (sum: number) => Math.round(sum / payments);
  const cpuUs = added((look) => look.cpuUs, coordinator);
  const clientsCpuUs = each(after.clientsCpuUs - before.clientsCpuUs);
  return {
    concurrency: run.concurrency,
    via: run.via,
    participants: after.nodes.length - 1,
    tps,
    p50ms,
    p99ms,
    p999ms,
    conserved: isConserved,
    committed: whole.committed,
    aborted: whole.aborted,
    rejected: whole.rejected,
    pending: whole.pending,
    missed: whole.missed,
    cpuUs: {
      coordinator: each(cpuUs),
      participants: each(added((look) => look.cpuUs) - cpuUs),
      clients: run.via === "submit" ? undefined : clientsCpuUs,
    },
    recordsPerSync: Math.round(
      added(({ written }) => written.records) / Math.max(1, added(({ entries }) => entries)),
    ),
    logBytes: each(added(({ written }) => written.logBytes)),
    linkBytes: each(added(({ written }) => written.linkBytes)),
    residentBytes: Math.max(...after.nodes.map(({ residentBytes }) => residentBytes)),
    course: windows.length > 1 ? courseOf(windows) : undefined,
  };
}
