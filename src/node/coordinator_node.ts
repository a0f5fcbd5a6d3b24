/** A coordinator as a running node. */

import type {
  AccountPage,
  AccountView,
  BookView,
  CardsView,
  InDoubtView,
  MismatchView,
  NodeApi,
  PaymentAnswer,
} from "../http/node_api.ts";
import type { Greeted } from "../link/host.ts";
import { Coordinator, type CoordinatorEvent } from "../protocol/coordinator.ts";
import type { PaymentId } from "../protocol/id.ts";
import type { Order } from "../protocol/order.ts";
import { Shell } from "./shell.ts";
import type { ShellOptions } from "./shell_options.ts";

export class CoordinatorNode extends Shell<CoordinatorEvent, never> implements NodeApi {
  readonly #coordinator: Coordinator;

  constructor(options: ShellOptions) {
    const coordinator = new Coordinator();
    super("coordinator", coordinator, options);
    this.#coordinator = coordinator;
  }

  whyNotReady(): string | undefined {
    if (this.isDraining) return "the node is stopping";
    return this.isListening ? undefined : "participants can't reach it yet";
  }

  protected needsLink(): boolean {
    return true;
  }

  protected reply(): void {}

  protected abandon(): void {}

  protected counts(): { open: number; inDoubt: number } {
    return { open: this.#coordinator.openCount, inDoubt: 0 };
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

  // A coordinator keeps no accounts and originates no payments: the API answers 405.

  submit(): Promise<PaymentAnswer> {
    return Promise.reject(new TypeError("a coordinator originates no payments"));
  }

  /** It decides, so it never doubts. */
  inDoubt(): Promise<InDoubtView[]> {
    return Promise.resolve([]);
  }

  protected mismatches(): MismatchView[] {
    return [];
  }

  resolve(): Promise<never> {
    return Promise.reject(new TypeError("a coordinator's decisions are the real ones"));
  }

  inquire(): Promise<never> {
    return Promise.reject(new TypeError("a coordinator has nothing to ask about"));
  }

  acknowledge(): Promise<never> {
    return Promise.reject(new TypeError("a coordinator's decisions are never contradicted"));
  }

  erase(): Promise<never> {
    return Promise.reject(new TypeError("a coordinator is told no details"));
  }

  accounts(): Promise<AccountView[]> {
    return Promise.resolve([]);
  }

  accountPage(): Promise<AccountPage> {
    return Promise.resolve({ accounts: [], count: 0, books: [] });
  }

  account(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  books(): Promise<BookView[]> {
    return Promise.resolve([]);
  }

  openAccount(): Promise<"opened"> {
    return Promise.reject(new TypeError("a coordinator keeps no accounts"));
  }

  cards(): Promise<CardsView> {
    return Promise.resolve({ cards: [], declined: [] });
  }

  addCard(): Promise<never> {
    return Promise.reject(new TypeError("a coordinator issues no cards"));
  }

  removeCard(): Promise<never> {
    return Promise.reject(new TypeError("a coordinator issues no cards"));
  }
}
