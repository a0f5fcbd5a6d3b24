/** A coordinator as a running node. */

import type {
  CoordinatorApi,
  MismatchView,
  OpenPaymentView,
  UnacknowledgedView,
} from "../http/node_api.ts";
import { acksToldAfterMs, refusalsMs } from "../limits.ts";
import type { Greeted } from "../link/host.ts";
import type { Role } from "../names.ts";
import { Coordinator, type CoordinatorEvent, type OpenPayment } from "../protocol/coordinator.ts";
import type { PaymentId } from "../protocol/id.ts";
import type { Order } from "../protocol/order.ts";
import { isParticipantOf } from "../protocol/order.ts";
import type { LogRecord } from "../protocol/record.ts";
import { Shell } from "./shell.ts";
import type { ShellOptions } from "./shell_options.ts";
import { answeredView, pendingView } from "./view.ts";

const refusedReason = "its participants refuse this node for amnesia";

export class CoordinatorNode extends Shell<"coordinator", CoordinatorEvent, never>
  implements CoordinatorApi {
  readonly #coordinator: Coordinator;
  /** What peers say that refuse it for amnesia. */
  readonly #refusals = new Set<string>();

  constructor(options: ShellOptions) {
    const coordinator = new Coordinator();
    super("coordinator", coordinator, options);
    this.#coordinator = coordinator;
  }

  whyNotReady(): string | undefined {
    if (this.isDraining) return "the node is stopping";
    if (this.isRefused) return "its participants refuse it for amnesia, so it ends";
    if (!this.isListening) return "participants can't reach it yet";
    return this.whyNotDurable();
  }

  /**
   * It may have lost commits, so nobody is answered from now on, also not those who have readmitted it or
   * never refused: without a link they know at once. Each participant has to readmit it: those who dial yet
   * are heard before it ends, so that one start names all of them that run.
   */
  override amnesia(detail: string): void {
    this.#refusals.add(detail);
    if (this.isRefused) return;
    this.isRefused = true;
    // Also the next start has to know, which may be after all have readmitted it.
    this.loop.enqueue({ type: "amnesia" });
    this.closeLinks(refusedReason);
    const seconds = refusalsMs / 1000;
    this.options.print("warn", `it ends in ${seconds} s, and hears until then who else refuses it`);
    void this.time.sleep(refusalsMs).then(() => this.#endRefused());
  }

  /** Where it was readmitted before it was ever refused. Clocks go on to say so at every later start. */
  protected override lacksEntries(): void {
    const isKnown = this.#coordinator.state.lostEpochs !== undefined;
    if (!isKnown) this.loop.enqueue({ type: "amnesia" });
  }

  #endRefused(): void {
    super.amnesia(refusalsText(this.#refusals));
  }

  /** Told to stop while it hears who refuses it, it has been refused all the same. */
  override async stop(): Promise<void> {
    await super.stop();
    if (this.isRefused) this.#endRefused();
  }

  override linkUp(peer: string, role: Role, greeting: Greeted): void {
    super.linkUp(peer, role, greeting);
    // Its handshake was past any objection when the first refusal came.
    if (this.isRefused) this.links.closeLink(peer, refusedReason);
  }

  protected needsLink(): boolean {
    return true;
  }

  protected reply(): void {}

  protected abandon(): void {}

  protected counts() {
    return {
      open: this.#coordinator.openCount,
      inDoubt: 0,
      longestDoubtMs: 0,
      forced: 0,
      unacknowledged: this.#unacknowledged(),
    };
  }

  #unacknowledged(): UnacknowledgedView[] {
    const nowMs = this.time.wallMs();
    const found = new Map<string, UnacknowledgedView>();
    for (const { unacked, context } of this.#coordinator.state.committing()) {
      const waitedMs = nowMs - context.atMs;
      // Those after it may have been committed earlier, by a clock that has been set back.
      if (waitedMs < acksToldAfterMs) continue;
      for (const participant of unacked) {
        const { payments, longestMs } = found.get(participant) ?? { payments: 0, longestMs: 0 };
        found.set(participant, {
          participant,
          payments: payments + 1,
          longestMs: Math.max(longestMs, waitedMs),
        });
      }
    }
    return [...found.values()];
  }

  openPayments(limit: number): Promise<OpenPaymentView[]> {
    return this.look(() =>
      [...this.#coordinator.open(limit)]
        .map((open) => this.#openView(open))
        .sort((a, b) => a.sinceMs - b.sinceMs)
        .slice(0, limit)
    );
  }

  #openView({ order, transaction, waitingFor, decided, begunMs }: OpenPayment): OpenPaymentView {
    if (decided) {
      const { atMs } = decided;
      const answer = { state: "committed", order, transaction, decided, atMs } as const;
      return { ...answeredView({ ...answer, replayed: false }), waitingFor, sinceMs: atMs };
    }
    const sinceMs = this.time.wallMs() - this.nowMs + (begunMs ?? this.nowMs);
    return { ...pendingView(order, this.loop.clock, sinceMs), transaction, waitingFor, sinceMs };
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

  protected lackedBy(peer: string): (record: LogRecord) => boolean {
    return (record) => record.type === "committed" && isParticipantOf(record.order, peer);
  }
}

function refusalsText(refusals: ReadonlySet<string>): string {
  const [only, ...others] = refusals;
  if (others.length === 0) return only!;
  return [`${refusals.size} participants refuse this node`, ...refusals].join("\n  ");
}
