// Vector clocks, as objects of entries known of each node's log; a missing node counts 0.

/** Whether every component of `a` is at most that of `b`. */
function isAtMost(a, b) {
  return Object.entries(a).every(([node, count]) => count <= (b[node] ?? 0));
}

/** What `a` is to `b`: "before", "after", "equal" or "concurrent". */
export function compareClocks(a, b) {
  const below = isAtMost(a, b);
  const above = isAtMost(b, a);
  if (below && above) return "equal";
  if (below) return "before";
  return above ? "after" : "concurrent";
}
