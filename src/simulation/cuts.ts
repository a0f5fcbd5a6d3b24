/**
 * Conservation while payments are under way: the clock of any entry names a consistent cut through all
 * logs, and across each such cut no money is made or lost (Mattern 1989).
 */

import { legsOf, participantsOf } from "../protocol/order.ts";
import { broken } from "./views.ts";
import type { World } from "./world.ts";

const cutsMax = 25;

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
