/** A participant as a running node. */

import { createHash } from "node:crypto";
import { encodeOrder } from "../codec/order.ts";
import { messageOf } from "../errors.ts";
import type {
  AccountView,
  BookView,
  HeuristicChoice,
  InDoubtView,
  MismatchView,
  NewAccount,
  NodeApi,
  PaymentAnswer,
  PaymentRequest,
} from "../http/node_api.ts";
import { OutcomeUnknownError } from "../http/node_api.ts";
import { queueEventsMax, reconnectMsMax } from "../limits.ts";
import type { Greeted, Greeting, NodeRole } from "../link/host.ts";
import type { PaymentId, TransactionId } from "../protocol/id.ts";
import { availableOf } from "../protocol/ledger.ts";
import type { Order } from "../protocol/order.ts";
import { legsOf, participantsOf } from "../protocol/order.ts";
import { Participant } from "../protocol/participant.ts";
import type {
  Answer,
  ParticipantEvent,
  Reply,
  ResolveAnswer,
} from "../protocol/participant_event.ts";
import { Shell, type ShellOptions } from "./shell.ts";
import { answeredView } from "./view.ts";

export interface ParticipantOptions extends ShellOptions {
  /** The name in the coordinator's certificate. */
  readonly coordinator: string;
}

interface Request {
  /** Its user waits for others, not only for this node. */
  readonly isPayment: boolean;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

export class ParticipantNode extends Shell<ParticipantEvent, Reply> implements NodeApi {
  /** Resolves when the link to the coordinator is up for the first time. */
  readonly linked: Promise<void>;
  readonly #participant: Participant;
  readonly #coordinatorName: string;
  readonly #requests = new Map<number, Request>();
  /** Peers that are dialled, and when to dial again one that refused. */
  readonly #dialled = new Map<string, number>();
  #lastRequest = 0;
  #isLinked: () => void;

  constructor(options: ParticipantOptions) {
    const { identity, coordinator } = options;
    const participant = new Participant(identity.name, coordinator);
    super("participant", participant, options);
    this.#participant = participant;
    this.#coordinatorName = coordinator;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.linked = promise;
    this.#isLinked = resolve;
  }

  isReady(): boolean {
    return this.#participant.isLinked && !this.isDraining;
  }

  /** As every node; whoever waits longer than that is answered that it is still pending. */
  override async drain(): Promise<void> {
    await super.drain();
    for (const [request, { isPayment, resolve }] of this.#requests) {
      if (!isPayment) continue;
      resolve({ state: "pending" });
      this.#requests.delete(request);
    }
  }

  /** Links to the coordinator and keeps the link. */
  dial(address: string): void {
    this.links.dial(this.#coordinatorName, "coordinator", address);
  }

  protected override tick(): void {
    super.tick();
    this.#dialPeers();
  }

  /** Cooperative termination: while the coordinator is away, peers are asked, over links of their own. */
  #dialPeers(): void {
    const wanted = this.#participant.peersToAsk();
    for (const name of this.#dialled.keys()) {
      if (wanted.has(name)) continue;
      this.#dialled.delete(name);
      this.links.hangUp(name);
    }
    for (const name of wanted) {
      const again = this.#dialled.get(name);
      const address = this.#participant.state.membership.addressOf(name);
      if (address === undefined || (again !== undefined && again > this.nowMs)) continue;
      this.#dialled.set(name, Infinity);
      this.links.dial(name, "participant", address);
    }
  }

  /** A peer that has no answer is no reason to end; its coordinator's refusal is. */
  override refused(peer: string, code: string, message: string): void {
    if (peer === this.#coordinatorName) return super.refused(peer, code, message);
    if (this.#dialled.has(peer)) this.#dialled.set(peer, this.nowMs + reconnectMsMax);
  }

  /**
   * A peer that refused to be dialled, as it had just dialled itself, hangs up once it knows. What this
   * node is in doubt about need not be over then, so the peer is dialled at once.
   */
  override linkDown(peer: string, reason: string): void {
    super.linkDown(peer, reason);
    if (this.#dialled.has(peer)) this.#dialled.set(peer, this.nowMs);
  }

  protected reply({ request, answer }: Reply): void {
    this.#requests.get(request)?.resolve(answer);
    this.#requests.delete(request);
  }

  protected abandon(error: Error): void {
    for (const { reject } of this.#requests.values()) reject(error);
    this.#requests.clear();
  }

  protected counts(): { open: number; inDoubt: number } {
    let open = this.#participant.ownCount;
    let inDoubt = 0;
    for (const [payment, held] of this.#participant.state.allOpen()) {
      if (held.type === "refused") continue;
      if (!this.#participant.orderOfOwn(payment)) open++;
      if (held.type === "prepared") inDoubt++;
    }
    return { open, inDoubt };
  }

  protected orderUnderWay(payment: PaymentId): Order | undefined {
    return this.#participant.orderOfOwn(payment);
  }

  protected orderOf(payment: PaymentId): Order | undefined {
    const { state } = this.#participant;
    const open = state.open(payment);
    if (open && "order" in open) return open.order;
    return state.settled(payment)?.order ?? this.#participant.orderOfOwn(payment);
  }

  protected isOpen(payment: PaymentId): boolean {
    const open = this.#participant.state.open(payment);
    return (open !== undefined && open.type !== "refused") ||
      this.#participant.orderOfOwn(payment) !== undefined;
  }

  protected linkUpEvent(peer: string, greeting: Greeted): ParticipantEvent {
    const { address, introduction, epoch } = greeting;
    return { type: "linkUp", peer, address, introduction, epoch };
  }

  override linkUp(peer: string, role: NodeRole, greeting: Greeted): void {
    super.linkUp(peer, role, greeting);
    if (peer === this.#coordinatorName) void this.look(() => {}).then(this.#isLinked, () => {});
  }

  override objection(peer: string, role: NodeRole, greeting: Greeting): string | undefined {
    const known = this.#participant.state.coordinatorEpoch;
    const { epoch } = greeting;
    if (role === "coordinator" && known) {
      const isSame = epoch?.counter === known.counter && epoch.nonce === known.nonce;
      if (!epoch || (!isSame && epoch.counter <= known.counter)) {
        return `it comes in epoch ${
          epoch?.counter ?? 0
        }, but epoch ${known.counter} was seen: it ` +
          "is out of date, or a copy";
      }
    }
    return super.objection(peer, role, greeting);
  }

  // Users

  async submit(request: PaymentRequest): Promise<PaymentAnswer> {
    const id = request.id ?? this.options.surroundings.newPaymentId();
    try {
      return await this.#submit(request, id);
    } catch (error) {
      throw new OutcomeUnknownError(id, messageOf(error));
    }
  }

  async #submit(request: PaymentRequest, newId: PaymentId): Promise<PaymentAnswer> {
    const startMs = this.nowMs;
    let id = newId;
    // What may be known already has to be asked for, however busy the node is.
    if (!request.id && !request.key && this.loop.queued >= queueEventsMax) {
      return { state: "rejected", id, code: "overloaded" };
    }
    if (request.key) {
      const { key, request: content } = request.key;
      const claim = await this.#ask((request) => ({
        type: "claim",
        request,
        key: digestOf(key).slice(0, 32),
        content: digestOf(content),
        payment: id,
      }));
      if (claim.state === "rejected") return { state: "rejected", id, code: claim.code };
      if (claim.state !== "claimed") throw new Error(`a claim was answered ${claim.state}`);
      if (!claim.isSameContent) return { state: "rejected", id, code: "key_reused" };
      id = claim.payment;
    }
    const order = encodeOrder({ payment: id, originator: this.name, legs: request.legs });
    const answer = await this.pay(order, request.waitMs);
    this.meter.answer(this.nowMs - startMs);
    switch (answer.state) {
      case "committed":
      case "aborted":
        return {
          state: answer.state,
          replayed: answer.replayed,
          payment: answeredView(answer),
        };
      case "pending":
        return { state: "pending", id };
      case "rejected":
        return { state: "rejected", id, code: answer.code };
      default:
        throw new Error(`an order was answered ${answer.state}`);
    }
  }

  /** Sends an order and waits for what becomes of it: what `submit` does, and load within a node. */
  pay(order: Order, waitMs: number): Promise<Answer> {
    const deadlineMs = this.nowMs + waitMs;
    this.observer.ordered(order);
    return this.#ask((request) => ({ type: "submit", request, order, deadlineMs }), true);
  }

  inDoubt(): Promise<InDoubtView[]> {
    return this.look(() => {
      const nowMs = this.time.wallMs();
      const views: InDoubtView[] = [];
      for (const [payment, open] of this.#participant.state.allOpen()) {
        if (open.type === "refused") continue;
        const { transaction, order, context: { atMs } } = open;
        const participants = participantsOf(order);
        const legs = legsOf(order, this.name);
        const isForced = open.type === "forced";
        views.push({
          transaction,
          payment,
          ageMs: Math.max(0, nowMs - atMs),
          participants,
          unreachable: this.#unreachable(participants),
          held: isForced ? [] : legs,
          forced: isForced ? { commit: open.commit, by: open.by, atMs, legs } : undefined,
        });
      }
      return views.sort((a, b) =>
        Number(a.forced !== undefined) - Number(b.forced !== undefined) || b.ageMs - a.ageMs
      );
    });
  }

  async resolve(choice: HeuristicChoice): Promise<ResolveAnswer> {
    const answer = await this.#ask((request) => ({ type: "resolve", request, ...choice }));
    if (answer.state !== "resolved") throw new Error(`a decision was answered ${answer.state}`);
    return answer;
  }

  async inquire(): Promise<number> {
    this.links.hurry();
    const answer = await this.#ask((request) => ({ type: "inquire", request }));
    if (answer.state !== "inquired") throw new Error(`an inquiry was answered ${answer.state}`);
    return answer.count;
  }

  async acknowledge(transaction: TransactionId, by: string): Promise<PaymentId | undefined> {
    const answer = await this.#ask((request) => ({
      type: "acknowledge",
      request,
      transaction,
      by,
    }));
    if (answer.state === "acknowledged") return answer.payment;
    throw new Error(`an acknowledgement was answered ${answer.state}`);
  }

  protected mismatches(): MismatchView[] {
    return [...this.#participant.state.mismatches()].map(({ context, ...mismatch }) => ({
      ...mismatch,
      atMs: context.atMs,
    }));
  }

  /** Peers are asked only while the coordinator can't be. */
  #unreachable(participants: readonly string[]): string[] {
    if (this.isLinkedTo(this.#coordinatorName)) return [];
    const peers = participants.filter((name) => name !== this.name && !this.isLinkedTo(name));
    return [this.#coordinatorName, ...peers];
  }

  accounts(): Promise<AccountView[]> {
    return this.look(() =>
      [...this.#participant.state.ledger.accounts()].map((account) => {
        const { name, currency, posted, pendingDebits, pendingCredits } = account;
        const available = availableOf(account);
        return { account: name, currency, posted, pendingDebits, pendingCredits, available };
      })
    );
  }

  books(): Promise<BookView[]> {
    return this.look(() =>
      [...this.#participant.state.ledger.books()].map((book) => ({ ...book }))
    );
  }

  async openAccount(account: NewAccount): Promise<"opened" | "existed" | "differs"> {
    const answer = await this.#ask((request) => ({ type: "open", request, ...account }));
    if (answer.state !== "account") throw new Error(`an account was answered ${answer.state}`);
    return answer.result;
  }

  #ask(event: (request: number) => ParticipantEvent, isPayment = false): Promise<Answer> {
    if (this.hasFailed) return this.failed;
    const request = ++this.#lastRequest;
    return new Promise((resolve, reject) => {
      this.#requests.set(request, { isPayment, resolve, reject });
      this.loop.enqueue(event(request));
    });
  }
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
