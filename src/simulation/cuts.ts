/**
 * The clock of any entry names a consistent cut through all logs, and across each such cut no money is
 * made or lost, also while payments are under way (Mattern 1989).
 */

import { legsOf, participantsOf } from "../protocol/order.ts";
import { broken } from "./views.ts";
import type { World } from "./world.ts";

const cutsMax = 25;

/** What an entry has in its past is in the past of every entry that knows of it. */
export function checkClocks({ machines, watch: { views } }: World): void {
  for (const { name } of machines) {
    for (const [i, clock] of views.of(name).clocks.entries()) {
      for (const [peer, count] of clock) {
        if (count === 0) continue;
        const past = views.of(peer).clocks[count - 1];
        const entry = `entry ${i + 1} of ${name}`;
        if (!past) broken("clocks are consistent cuts", `${entry} knows ${count} of ${peer}`);
        for (const [third, theirs] of past) {
          const own = clock.get(third) ?? 0;
          if (theirs <= own) continue;
          const what =
            `${entry} knows ${peer} ${count}, which knows ${third} ${theirs}, but ${own}`;
          broken("clocks are consistent cuts", `${what} itself`);
        }
      }
    }
  }
}

export function checkCuts({ random, machines, watch: { views } }: World): void {
  for (let i = 0; i < cutsMax; i++) {
    const { clocks } = views.of(random.pick(machines).name);
    if (clocks.length === 0) continue;
    const cut = random.pick(clocks);
    let sum = 0n;
    for (const [name, { postings }] of views.participants) {
      const upTo = cut.get(name) ?? 0;
      for (const { entry, amount } of postings) if (entry <= upTo) sum += amount;
    }
    const decided = cut.get("coordinator") ?? 0;
    for (const [payment, { order, entry }] of views.coordinator.committed) {
      if (entry > decided) continue;
      for (const name of participantsOf(order)) {
        const { postings, preparedIn } = views.participant(name);
        const upTo = cut.get(name) ?? 0;
        if (postings.some((posting) => posting.payment === payment && posting.entry <= upTo)) {
          continue;
        }
        if (preparedIn.get(payment)! > upTo) continue;
        for (const { amount } of legsOf(order, name)) sum += amount;
      }
    }
    if (sum === 0n) continue;
    const where = [...cut].map(([name, count]) => `${name} ${count}`).join(", ");
    broken("conservation at consistent cuts", `at the cut ${where} there is ${sum} too much`);
  }
}
