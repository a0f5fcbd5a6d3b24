/**
 * A participant as a running node: its links, and an answer to all that users may ask of it.
 *
 * Long for one file, as it has an answer of a few lines to each question of `ParticipantApi`.
 */

import type {
  AccountPage,
  AccountView,
  AddCardAnswer,
  BookView,
  CardsView,
  EraseAnswer,
  HeuristicChoice,
  InDoubtView,
  MismatchView,
  NewAccount,
  NewCard,
  ParticipantApi,
  PaymentAnswer,
  PaymentRequest,
  RestoreAnswer,
  StatementQuery,
  StatementView,
} from "../http/node_api.ts";
import { invariant } from "../errors.ts";
import type { Authority } from "../keys/certificate.ts";
import { decodeVoucher } from "../keys/voucher.ts";
import { reconnectMsMax, tickIntervalMs } from "../limits.ts";
import type { Greeted, Greeting } from "../link/host.ts";
import type { Role } from "../names.ts";
import { ProofError } from "../proof/check.ts";
import { cardIdOf, expiryText, maskedNumber } from "../protocol/card.ts";
import type { OpenedDetails } from "../protocol/details.ts";
import type { PaymentId, TransactionId } from "../protocol/id.ts";
import type { Order } from "../protocol/order.ts";
import { participantsOf, resolvedLegsOf } from "../protocol/order.ts";
import { Participant } from "../protocol/participant.ts";
import type { ParticipantEvent, Reply, ResolveAnswer } from "../protocol/participant_event.ts";
import type { Unsettled } from "../protocol/participant_state.ts";
import type { LogRecord } from "../protocol/record.ts";
import type { Found } from "../protocol/step.ts";
import { accountView, cardView } from "./book_views.ts";
import type { CardKeeping } from "./cards.ts";
import { claimOf, endOf } from "./cards.ts";
import type { Told } from "./inbound.ts";
import { Requests } from "./requests.ts";
import { Restorer } from "./restorer.ts";
import { Shell } from "./shell.ts";
import type { ShellOptions } from "./shell_options.ts";
import { Statement } from "./statement.ts";
import { Submissions } from "./submissions.ts";

export interface ParticipantOptions extends ShellOptions {
  /** The name in the coordinator's certificate. */
  readonly coordinator: string;
  readonly cards: CardKeeping;
}

export class ParticipantNode extends Shell<"participant", ParticipantEvent, Reply>
  implements ParticipantApi {
  /** Resolves when the link to the coordinator is up for the first time. */
  readonly linked: Promise<void>;
  readonly #participant: Participant;
  readonly #coordinatorName: string;
  readonly #cards: CardKeeping;
  readonly #requests = new Requests((event) => this.loop.enqueue(event));
  readonly #submissions: Submissions;
  readonly #restorer: Restorer;
  /** Peers that are dialled, and when to dial again one that refused. */
  readonly #dialled = new Map<string, number>();
  /** Not offline. */
  #keepsLinks = false;
  /** Cards had been added before this start. */
  #hadCards = false;
  #isLinked: () => void;

  constructor(options: ParticipantOptions) {
    const { identity, coordinator, cards } = options;
    const participant = new Participant(identity.name, coordinator);
    super("participant", participant, options);
    this.#participant = participant;
    this.#coordinatorName = coordinator;
    this.#cards = cards;
    this.#submissions = new Submissions({
      name: identity.name,
      surroundings: options.surroundings,
      participant,
      requests: this.#requests,
      loop: () => this.loop,
      introductionOf: (name) => this.introductionOf(name),
      observer: this.observer,
      meter: this.meter,
    });
    this.#restorer = new Restorer({
      name: identity.name,
      coordinator,
      participant,
      log: options.log,
      authority: () => this.#authority,
      loop: () => this.loop,
      requests: this.#requests,
      introductionsOf: (name) => this.introductionsOf(name),
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.linked = promise;
    this.#isLinked = resolve;
  }

  override async start(): Promise<void> {
    await super.start();
    const count = await this.look(() => [...this.#participant.state.cards()].length);
    this.#hadCards = count > 0;
    if (!this.#hadCards || this.#cards.wasKept) return;
    this.options.print(
      "error",
      `${count} cards were added here, and the key by which they are known is not in the data folder: ` +
        "charges of them are declined until a copy of card.key is put back and the node started again",
    );
  }

  whyNotReady(): string | undefined {
    if (this.isDraining) return "the node is stopping";
    if (!this.#participant.isLinked) {
      const name = this.#coordinatorName;
      const why = `: it has lost entries, and is refused until "handfast readmit ${name}"`;
      return `no link to the coordinator${this.refuses(name) ? why : ""}`;
    }
    return this.whyNotDurable();
  }

  /** As every node; whoever waits longer than that is answered that it is still pending. */
  override async drain(): Promise<void> {
    await super.drain();
    this.#requests.endPayments();
  }

  /** Links to the coordinator and keeps the link. */
  dial(address: string): void {
    this.#keepsLinks = true;
    this.links.dial(this.#coordinatorName, "coordinator", address);
  }

  protected override tick(): void {
    super.tick();
    if (this.diskWaitMs > tickIntervalMs) this.#requests.endLate(this.nowMs);
    this.#dialPeers();
  }

  /** Cooperative termination: what the coordinator does not tell, peers are asked, over links of their own. */
  #dialPeers(): void {
    if (!this.#keepsLinks) return;
    const wanted = this.#participant.peersToAsk(this.nowMs);
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

  protected override lacksEntries(peer: string): void {
    this.loop.enqueue({ type: "amnesia", peer });
  }

  override amnesia(detail: string): void {
    super.amnesia(`${detail}. ${this.lossText()}`);
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

  protected reply(reply: Reply): void {
    this.#requests.answer(reply);
  }

  protected abandon(error: Error): void {
    this.#requests.fail(error);
  }

  protected counts() {
    let open = this.#participant.ownCount;
    let [inDoubt, forced] = [0, 0];
    const nowMs = this.time.wallMs();
    let sinceMs = nowMs;
    for (const [payment, held] of this.#participant.state.allHeld()) {
      if (!this.#participant.orderOfOwn(payment)) open++;
      if (held.type === "forced") {
        forced++;
        continue;
      }
      inDoubt++;
      sinceMs = Math.min(sinceMs, held.context.atMs);
    }
    return { open, inDoubt, longestDoubtMs: nowMs - sinceMs, forced, unacknowledged: [] };
  }

  protected override get clockOffsetMs(): number | undefined {
    return this.#participant.clockOffsetMs;
  }

  protected orderUnderWay(payment: PaymentId): Order | undefined {
    return this.#participant.orderOfOwn(payment);
  }

  protected orderOf(payment: PaymentId): Order | undefined {
    const { state } = this.#participant;
    return state.held(payment)?.order ?? state.settled(payment)?.order ??
      this.#participant.orderOfOwn(payment);
  }

  protected isOpen(payment: PaymentId): boolean {
    return this.#participant.state.held(payment) !== undefined ||
      this.#participant.orderOfOwn(payment) !== undefined;
  }

  protected linkUpEvent(peer: string, greeting: Greeted): ParticipantEvent {
    const { address, introduction, epoch } = greeting;
    return { type: "linkUp", peer, address, introduction, epoch };
  }

  override linkUp(peer: string, role: Role, greeting: Greeted): void {
    super.linkUp(peer, role, greeting);
    if (peer === this.#coordinatorName) void this.look(() => {}).then(this.#isLinked, () => {});
  }

  /** What a card's holder has told goes no further than this: the core has only what may be kept. */
  protected override told(details: OpenedDetails | undefined): Told {
    if (!details || details === "unreadable" || !details.card) return { details };
    const { card, ...rest } = details;
    return { details: rest, card: claimOf(this.#cards.key, card) };
  }

  override objection(peer: string, role: Role, greeting: Greeting): string | undefined {
    const known = this.#participant.state.coordinatorEpoch;
    const { epoch } = greeting;
    if (role === "coordinator" && known) {
      const isSame = epoch?.counter === known.counter && epoch.nonce === known.nonce;
      if (!epoch || (!isSame && epoch.counter <= known.counter)) {
        const comes = `it comes in epoch ${epoch?.counter ?? 0}, but epoch ${known.counter}`;
        const former = this.#formerCoordinator(peer);
        if (former === undefined) return `${comes} was seen: it is out of date, or a copy`;
        return `${comes} of "${former}" was seen, which was this node's coordinator so far, and a ` +
          `coordinator keeps its name. Dial it by --server-name ${former}, or have the new one run ` +
          `as "${former}": with the data folder of the old one, or, if that is lost, without, and ` +
          "readmit it";
      }
    }
    return super.objection(peer, role, greeting);
  }

  /** Whose epoch is known here, if the log has never met a coordinator of that name. */
  #formerCoordinator(name: string): string | undefined {
    const { membership } = this.#participant.state;
    if (membership.knows(name)) return undefined;
    return membership.directory().findLast(({ introduction }) =>
      introduction && decodeVoucher(introduction.voucher).role === "coordinator"
    )?.name;
  }

  // Users

  submit(request: PaymentRequest): Promise<PaymentAnswer> {
    return this.#submissions.submit(request);
  }

  inDoubt(): Promise<InDoubtView[]> {
    return this.look(() => {
      const nowMs = this.time.wallMs();
      const views: InDoubtView[] = [];
      for (const [payment, held] of this.#participant.state.allHeld()) {
        const { transaction, order, card, context: { atMs } } = held;
        const participants = participantsOf(order);
        const legs = resolvedLegsOf(order, this.name, card);
        const isForced = held.type === "forced";
        views.push({
          transaction,
          payment,
          ageMs: Math.max(0, nowMs - atMs),
          participants,
          ...this.#missing(held),
          held: isForced ? [] : legs,
          forced: isForced ? { commit: held.commit, by: held.by, atMs, legs } : undefined,
        });
      }
      return views.sort((a, b) =>
        Number(a.forced !== undefined) - Number(b.forced !== undefined) || b.ageMs - a.ageMs
      );
    });
  }

  override lostIn(id: PaymentId): Promise<TransactionId | undefined> {
    return this.look(() => this.#participant.lostIn(id));
  }

  resolve(choice: HeuristicChoice): Promise<ResolveAnswer> {
    return this.#requests.ask("resolved", { type: "resolve", ...choice });
  }

  async inquire(): Promise<number> {
    this.links.hurry();
    const { count } = await this.#requests.ask("inquired", { type: "inquire" });
    return count;
  }

  async acknowledge(transaction: TransactionId, by: string): Promise<PaymentId | undefined> {
    const { payment } = await this.#requests.ask("acknowledged", {
      type: "acknowledge",
      transaction,
      by,
    });
    return payment;
  }

  async erase(payment: PaymentId, by: string): Promise<EraseAnswer> {
    const history = await this.history(payment);
    const isTold = ([, record]: Found) => record.type === "prepared" && record.hasDetails;
    const last = history.findLastIndex(isTold);
    if (last === -1) return { result: "none" };
    const erased = history.slice(last).find(([, { type }]) => type === "erased");
    if (erased?.[1].type === "erased") {
      return { result: "was_erased", by: erased[1].by, atMs: erased[0].atMs };
    }
    const { atMs } = await this.#requests.ask("erased", { type: "erase", payment, by });
    return atMs === undefined ? { result: "under_way" } : { result: "erased", by, atMs };
  }

  /** Of the past it is not asked what has been revoked since. */
  get #authority(): Authority {
    const { certificate, network } = this.options.identity;
    invariant(certificate !== undefined, "a node without a certificate restores nothing");
    return { certificate, network };
  }

  async restore(proofs: readonly Uint8Array[], card?: string): Promise<RestoreAnswer[]> {
    const answers: RestoreAnswer[] = [];
    for (const proof of proofs) {
      try {
        answers.push(await this.#restorer.restore(proof, card));
      } catch (thrown) {
        if (!(thrown instanceof ProofError)) throw thrown;
        answers.push({ result: "no_proof", why: thrown.message });
      }
    }
    return answers;
  }

  protected mismatches(): MismatchView[] {
    return [...this.#participant.state.mismatches()].map(({ context, ...mismatch }) => ({
      ...mismatch,
      atMs: context.atMs,
    }));
  }

  protected lackedBy(peer: string): ((record: LogRecord) => boolean) | undefined {
    if (peer !== this.#coordinatorName) return undefined;
    return (record) => record.type === "posted";
  }

  /** Peers are asked only where the coordinator can't or does not tell, about what is in doubt with them. */
  protected needsLink(peer: string): boolean {
    return peer === this.#coordinatorName || this.#dialled.has(peer);
  }

  /** Of those who are asked about a transaction: to whom there is no link, and who is linked, and silent. */
  #missing(held: Unsettled): Pick<InDoubtView, "unreachable" | "unanswered"> {
    const coordinator = this.#coordinatorName;
    if (!this.#participant.asksPeers(held, this.nowMs)) return { unreachable: [] };
    const peers = participantsOf(held.order).filter((name) => name !== this.name);
    return {
      unreachable: [coordinator, ...peers].filter((name) => !this.isLinkedTo(name)),
      unanswered: this.isLinkedTo(coordinator) ? [coordinator] : undefined,
    };
  }

  accounts(): Promise<AccountView[]> {
    return this.look(() => this.#participant.state.ledger.accounts().map(accountView));
  }

  accountPage(from: number, limit: number): Promise<AccountPage> {
    const { ledger } = this.#participant.state;
    return this.look(() => ({
      accounts: ledger.accounts(from, limit).map(accountView),
      count: ledger.accountCount,
      books: this.#books(),
    }));
  }

  account(name: string): Promise<AccountView | undefined> {
    return this.look(() => {
      const account = this.#participant.state.ledger.account(name);
      return account && accountView(account);
    });
  }

  async statement({ account, fromMs, toMs }: StatementQuery): Promise<StatementView | undefined> {
    const seen = await this.look((upTo) => {
      const found = this.#participant.state.ledger.account(account);
      return found && { currency: found.currency, at: { ...upTo, balance: found.posted } };
    });
    if (!seen) return undefined;
    const { currency, at } = seen;
    const atMs = this.time.wallMs();
    const statement = new Statement({
      log: this.options.log,
      node: this.name,
      account,
      currency,
      told: (payment) => this.toldOf(payment),
      time: this.time,
    });
    return { currency, atMs, parts: statement.parts(at, fromMs, toMs) };
  }

  books(): Promise<BookView[]> {
    return this.look(() => this.#books());
  }

  #books(): BookView[] {
    return [...this.#participant.state.ledger.books()].map((book) => ({ ...book }));
  }

  async openAccount(account: NewAccount): Promise<"opened" | "existed" | "differs"> {
    const { result } = await this.#requests.ask("account", { type: "open", ...account });
    return result;
  }

  cards(): Promise<CardsView> {
    return this.look(() => ({
      cards: [...this.#participant.state.cards()].map(cardView),
      declined: [...this.#participant.declines.kept],
    }));
  }

  async addCard({ account, number, expiry }: NewCard): Promise<AddCardAnswer> {
    const { key, wasKept, keep } = this.#cards;
    if (endOf(expiry) <= this.time.wallMs()) return { result: "expired" };
    if (!wasKept && this.#hadCards) return { result: "key_lost" };
    await keep();
    const hash = key.hashOf(number);
    const masked = maskedNumber(number);
    const { result } = await this.#requests.ask("card", {
      type: "addCard",
      hash,
      account,
      masked,
      expiry,
    });
    const card = await this.look(() => this.#participant.state.card(cardIdOf(hash)));
    if (card && (result === "added" || result === "existed")) {
      return { result, card: cardView(card), cvv: key.cvvOf(number, expiryText(expiry)) };
    }
    return { result: result === "differs" ? result : "account_not_found" };
  }

  async removeCard(
    card: { readonly id: string } | { readonly number: string },
  ): Promise<string | undefined> {
    const id = "id" in card ? card.id : cardIdOf(this.#cards.key.hashOf(card.number));
    const { result } = await this.#requests.ask("card", { type: "removeCard", id });
    return result === "removed" ? id : undefined;
  }
}
