/** A coordinator as a running node. */

import type { CoordinatorApi, MismatchView } from "../http/node_api.ts";
import type { Greeted } from "../link/host.ts";
import { Coordinator, type CoordinatorEvent } from "../protocol/coordinator.ts";
import type { PaymentId } from "../protocol/id.ts";
import type { Order } from "../protocol/order.ts";
import { Shell } from "./shell.ts";
import type { ShellOptions } from "./shell_options.ts";

export class CoordinatorNode extends Shell<"coordinator", CoordinatorEvent, never>
  implements CoordinatorApi {
  readonly #coordinator: Coordinator;

  constructor(options: ShellOptions) {
    const coordinator = new Coordinator();
    super("coordinator", coordinator, options);
    this.#coordinator = coordinator;
  }

  whyNotReady(): string | undefined {
    if (this.isDraining) return "the node is stopping";
    if (!this.isListening) return "participants can't reach it yet";
    return this.whyNotDurable();
  }

  protected needsLink(): boolean {
    return true;
  }

  protected reply(): void {}

  protected abandon(): void {}

  protected counts() {
    return { open: this.#coordinator.openCount, inDoubt: 0, longestDoubtMs: 0 };
  }

  protected orderUnderWay(payment: PaymentId): Order | undefined {
    return this.#coordinator.orderOfVoting(payment);
  }

  protected orderOf(payment: PaymentId): Order | undefined {
    return this.#coordinator.orderOfVoting(payment) ?? this.#coordinator.state.get(payment)?.order;
  }

  protected isOpen(payment: PaymentId): boolean {
    if (this.#coordinator.orderOfVoting(payment)) return true;
    return this.#coordinator.state.get(payment)?.type === "committing";
  }

  protected linkUpEvent(peer: string, { address, introduction }: Greeted): CoordinatorEvent {
    return { type: "linkUp", peer, address, introduction };
  }

  protected mismatches(): MismatchView[] {
    return [];
  }
}
