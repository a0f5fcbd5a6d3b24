/**
 * Vector clocks (Fidge 1988, Mattern 1989) over the entries of the nodes' logs: the component of a
 * node counts its durable entries, so it grows by exactly one an entry.
 */

/** Entries known of each node; a node that is missing counts 0. */
export type VectorClock = ReadonlyMap<string, number>;

export type Causality = "before" | "after" | "equal" | "concurrent";

export const emptyClock: VectorClock = new Map();

/** The least clock that is at least both. Returns `a` itself where `b` adds nothing. */
export function mergeClocks(a: VectorClock, b: VectorClock): VectorClock {
  let merged: Map<string, number> | undefined;
  for (const [name, count] of b) {
    if (count > (a.get(name) ?? 0)) (merged ??= new Map(a)).set(name, count);
  }
  return merged ?? a;
}

export function withComponent(clock: VectorClock, name: string, count: number): VectorClock {
  return new Map(clock).set(name, count);
}

/** Whether every component of `a` is at most that of `b`. */
export function isAtMost(a: VectorClock, b: VectorClock): boolean {
  for (const [name, count] of a) if (count > (b.get(name) ?? 0)) return false;
  return true;
}

export function compareClocks(a: VectorClock, b: VectorClock): Causality {
  const below = isAtMost(a, b);
  const above = isAtMost(b, a);
  if (below && above) return "equal";
  if (below) return "before";
  return above ? "after" : "concurrent";
}
