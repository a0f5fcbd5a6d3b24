/** Operators: they see what is in doubt, ask again, decide by heuristics, answer for what was wrong, erase. */

import { DiskFailure } from "./disk.ts";
import { ParticipantNode } from "../node/participant_node.ts";
import type { InDoubtView } from "../http/node_api.ts";
import type { Machine } from "./machine.ts";
import type { World } from "./world.ts";

const patienceMs = 300;
const by = "simulated operator";

export class Operator {
  readonly #world: World;
  readonly #machine: Machine;
  #isOn = true;

  constructor(world: World, machine: Machine) {
    this.#world = world;
    this.#machine = machine;
  }

  async run(): Promise<void> {
    const { schedule, random, chaos } = this.#world;
    if (chaos.operatorEveryMs === 0) return;
    while (this.#isOn) {
      await schedule.sleep(chaos.operatorEveryMs * 2 * random.next());
      const { life, isPutBack } = this.#machine;
      const node = life?.node;
      if (!this.#isOn || !life?.isServing || isPutBack || !(node instanceof ParticipantNode)) {
        continue;
      }
      // Whatever does not come back from a crash is looked at again.
      const acting = this.#act(node).catch((error) => {
        if (!(error instanceof DiskFailure)) throw error;
      });
      await Promise.race([acting, life.over]);
    }
  }

  end(): void {
    this.#isOn = false;
  }

  async #act(node: ParticipantNode): Promise<void> {
    const { random } = this.#world;
    if (random.chance(0.2)) await node.inquire();
    const doubts = await node.inDoubt();
    const doubt = doubts.find(({ ageMs, forced }) => !forced && ageMs > patienceMs);
    if (doubt && random.chance(0.5)) await this.#decide(node, doubt);
    const { mismatches } = await node.status();
    if (mismatches.length > 0 && random.chance(0.3)) {
      await node.acknowledge(random.pick(mismatches).transaction, by);
    }
    const told = [...this.#world.watch.views.participant(this.#machine.name).details];
    if (told.length > 0 && random.chance(0.3)) await node.erase(random.pick(told), by);
  }

  async #decide(node: ParticipantNode, { transaction, payment }: InDoubtView): Promise<void> {
    const { random, chaos, watch: { views } } = this.#world;
    const isCommitted = views.coordinator.committed.get(payment)?.transaction === transaction;
    const isDecided = isCommitted || views.isBuried(transaction);
    if (!isDecided && !chaos.areGuessing) return;
    const commit = chaos.areGuessing ? random.chance(0.5) : isCommitted;
    await node.resolve({ transaction, commit, by });
  }
}
