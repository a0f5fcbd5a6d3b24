/** A node that answers what a test tells it to, and keeps what it was asked. */

import { createApp } from "../../src/http/app.ts";
import type { AppOptions } from "../../src/http/app.ts";
import type {
  AccountView,
  ActivityEntry,
  AddCardAnswer,
  AnyNodeApi,
  CardsView,
  EraseAnswer,
  HeuristicChoice,
  InDoubtView,
  LinkState,
  MismatchView,
  NewAccount,
  NewCard,
  NodeEvent,
  OpenPaymentView,
  ParticipantApi,
  PaymentAnswer,
  PaymentPage,
  PaymentQuery,
  PaymentRequest,
  PaymentTrace,
  PaymentView,
  PeerMemory,
  ReadmitAnswer,
  RestoreAnswer,
  Sample,
  StatementPart,
  StatementQuery,
  StatementView,
} from "../../src/http/node_api.ts";
import { FormatError } from "../../src/errors.ts";
import type { Role } from "../../src/names.ts";
import type { PaymentId, TransactionId } from "../../src/protocol/id.ts";
import type { Introduction } from "../../src/protocol/message.ts";
import type { ResolveAnswer } from "../../src/protocol/participant_event.ts";

export const token = "secret-token-of-the-tests";
export const paymentId = "0190f5d0-7b1a-7c3e-9f00-3b6f2a1c4d5e" as PaymentId;

export const committed: PaymentView = {
  id: paymentId,
  state: "committed",
  legs: [
    { account: "main", participant: "alice", amount: -12500n, currency: "USD" },
    { account: "main", participant: "bob", amount: 12500n, currency: "USD" },
  ],
  originator: "alice",
  transaction: "1-0123456789ab-7",
  clock: new Map([["coordinator", 12], ["alice", 3]]),
  atMs: Date.UTC(2025, 0, 31, 12),
};

export const trace: PaymentTrace = {
  payment: committed,
  stage: "done",
  isPrepared: true,
  votes: [{ participant: "bob", vote: "yes", isAcked: true }],
  steps: [{ what: "committed", atMs: committed.atMs, entry: 12, clock: committed.clock }],
};

/** The `index`th event of the fake node's log, all in its entry 4. */
export function eventOf(index: number): NodeEvent {
  const { id: payment, legs, originator, clock, atMs } = committed;
  const transaction = committed.transaction as TransactionId;
  const id = `4.${index}`;
  return { id, type: "posted", payment, transaction, legs, originator, entry: 4, clock, atMs };
}

export const transaction = committed.transaction as TransactionId;

/** Held here, the decision unknown. */
export const doubt: InDoubtView = {
  transaction,
  payment: paymentId,
  ageMs: 2_500,
  participants: ["alice", "bob"],
  unreachable: ["coordinator"],
  held: committed.legs.slice(0, 1),
};

/** The same once an operator has decided. */
export const forcedDoubt: InDoubtView = {
  ...doubt,
  held: [],
  forced: { commit: false, by: "ann", atMs: committed.atMs, legs: doubt.held },
};

export const mismatch: MismatchView = {
  transaction,
  payment: paymentId,
  commit: true,
  by: "ann",
  atMs: committed.atMs,
};

/** What the fake node has for the payment's certificate, and knows bob by. */
export const proofBytes = Uint8Array.of(0xfb, 0xff, 1, 2, 3);
export const introduction: Introduction = {
  certificate: Uint8Array.of(0x30, 1),
  voucher: Uint8Array.of(0xff, 2),
};

export const aborted: PaymentView = { ...committed, state: "aborted", code: "insufficient_funds" };

export class FakeNode implements Omit<ParticipantApi, "role"> {
  readonly name = "alice";
  readonly requests: PaymentRequest[] = [];
  readonly queries: PaymentQuery[] = [];
  readonly opened: NewAccount[] = [];
  readonly cardsAdded: NewCard[] = [];
  readonly cardsRemoved: unknown[] = [];
  issued: CardsView = { cards: [], declined: [] };
  cardAdded: AddCardAnswer = { result: "account_not_found" };
  /** The id of the card that there is. */
  removable: string | undefined;
  readonly listeners = new Set<(event: NodeEvent) => void>();
  readonly log: NodeEvent[] = [];
  traces: PaymentTrace[] = [trace];
  ready = true;
  doubts: InDoubtView[] = [doubt];
  mismatches: MismatchView[] = [];
  /** That were asked for: whether with the log's entry. */
  readonly proofs: boolean[] = [];
  /** What operators did, and who. */
  readonly operated: unknown[] = [];
  resolved: ResolveAnswer = { state: "resolved", result: "not_in_doubt" };
  answer: (request: PaymentRequest) => Promise<PaymentAnswer> = () =>
    Promise.resolve({ state: "committed", replayed: false, payment: committed });
  page: () => Promise<PaymentPage> = () => Promise.resolve({ payments: [committed], next: "b" });
  openOutcome: "opened" | "existed" | "differs" = "opened";

  constructor(readonly role: Role = "participant") {}

  isReady() {
    return this.ready;
  }

  whyNotReady() {
    return this.ready ? undefined : "no link to the coordinator";
  }

  status() {
    return Promise.resolve({
      name: this.name,
      role: this.role,
      network: "ab".repeat(32),
      epoch: "1-0123456789ab",
      clock: new Map([["alice", 3]]),
      peers: [{ name: "bob", address: "127.0.0.1:7444", link: "up" as LinkState }],
      open: 2,
      inDoubt: 1,
      longestDoubtMs: 33_500,
      forced: 3,
      clockOffsetMs: -90_500,
      unacknowledged: [{ participant: "dave", payments: 2, longestMs: 61_700 }],
      committed: 5,
      aborted: 4,
      throughput: 1.5,
      latencyMs: { p50: 2.5, p99: null },
      latencies: { boundsMs: [1, 5], counts: [2, 3, 1], sumMs: 20 },
      written: { records: 12, logBytes: 3_400, linkBytes: 5_600 },
      certificateEndsMs: Date.UTC(2028, 0, 31),
      revocationList: 2,
      mismatches: this.mismatches,
      alarms: ["late abort"],
    });
  }

  submit(request: PaymentRequest) {
    this.requests.push(request);
    return this.answer(request);
  }

  payment(id: PaymentId): Promise<PaymentView | undefined> {
    return Promise.resolve(id === paymentId ? committed : undefined);
  }

  /** When the last attempts at payments were aborted. */
  readonly givenUp = new Map<PaymentId, number>();

  givenUpMs(id: PaymentId) {
    return Promise.resolve(this.givenUp.get(id));
  }

  isForgetful = false;

  hasLostEntries() {
    return this.isForgetful;
  }

  /** What this node's log has lost, and by what it was committed. */
  readonly lost = new Map<PaymentId, TransactionId>();

  lostIn(id: PaymentId) {
    return Promise.resolve(this.lost.get(id));
  }

  proof(id: PaymentId, hasEntry: boolean): Promise<Uint8Array | undefined> {
    this.proofs.push(hasEntry);
    return Promise.resolve(id === paymentId ? proofBytes : undefined);
  }

  introduction(name: string) {
    return Promise.resolve(name === "bob" ? introduction : undefined);
  }

  payments(query: PaymentQuery) {
    this.queries.push(query);
    return this.page();
  }

  openPayments(limit: number): Promise<OpenPaymentView[]> {
    const open = { ...committed, waitingFor: ["bob"], sinceMs: committed.atMs };
    return Promise.resolve([open].slice(0, limit));
  }

  accounts(): Promise<AccountView[]> {
    const accounts = [
      { account: "main", currency: "USD", posted: 2_000_000n, pendingDebits: 12_500n },
      { account: "savings", currency: "JPY", posted: 5n, pendingDebits: 0n },
    ];
    return Promise.resolve(accounts.map((account) => ({
      ...account,
      pendingCredits: 0n,
      available: account.posted - account.pendingDebits,
    })));
  }

  async accountPage(from: number, limit: number) {
    const accounts = await this.accounts();
    const page = accounts.slice(from, from + limit);
    return { accounts: page, count: accounts.length, books: await this.books() };
  }

  async account(name: string) {
    return (await this.accounts()).find(({ account }) => account === name);
  }

  /** Of its only account; the queries are kept. */
  statementParts: StatementPart[] = [];
  readonly statements: StatementQuery[] = [];

  statement(query: StatementQuery): Promise<StatementView | undefined> {
    this.statements.push(query);
    if (query.account !== "main") return Promise.resolve(undefined);
    const parts = ReadableStream.from(this.statementParts);
    return Promise.resolve({ currency: "USD", atMs: committed.atMs, parts });
  }

  books() {
    return Promise.resolve([
      { currency: "USD", accounts: 2_000_000n, settlement: 0n, equity: -2_000_000n },
    ]);
  }

  openAccount(account: NewAccount) {
    this.opened.push(account);
    return Promise.resolve(this.openOutcome);
  }

  cards() {
    return Promise.resolve(this.issued);
  }

  addCard(card: NewCard) {
    this.cardsAdded.push(card);
    return Promise.resolve(this.cardAdded);
  }

  removeCard(card: { readonly id: string } | { readonly number: string }) {
    this.cardsRemoved.push(card);
    return Promise.resolve(this.removable);
  }

  subscribe(listener: (event: NodeEvent) => void) {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Records an event, and tells of it. */
  record(): NodeEvent {
    const event = eventOf(this.log.length);
    this.log.push(event);
    for (const listener of this.listeners) listener(event);
    return event;
  }

  eventsAfter(id: string | undefined, limit: number) {
    if (id !== undefined && !/^\d+(\.\d+)?$/.test(id)) {
      return Promise.reject(new FormatError("no event has this id"));
    }
    const [entry = 0, index = Infinity] = id?.split(".").map(Number) ?? [];
    const rest = this.log.filter((_, at) => entry < 4 || (entry === 4 && at > index));
    return Promise.resolve(rest.slice(0, limit));
  }

  inDoubt(): Promise<InDoubtView[]> {
    return Promise.resolve(this.doubts);
  }

  resolve(choice: HeuristicChoice) {
    this.operated.push(choice);
    return Promise.resolve(this.resolved);
  }

  inquire() {
    return Promise.resolve(this.doubts.length);
  }

  acknowledge(transaction: TransactionId, by: string) {
    this.operated.push({ transaction, by });
    const found = this.mismatches.find((known) => known.transaction === transaction);
    return Promise.resolve(found?.payment);
  }

  /** What is told of payments here, by their ids. */
  readonly told = new Map<PaymentId, EraseAnswer>();

  erase(payment: PaymentId, by: string): Promise<EraseAnswer> {
    const answer = this.told.get(payment) ?? { result: "none" };
    if (answer.result === "erased") this.told.set(payment, { ...answer, result: "was_erased", by });
    return Promise.resolve(answer.result === "erased" ? { ...answer, by } : answer);
  }

  /** What was to be restored last; all that has any bytes is. */
  restored: readonly Uint8Array[] = [];

  restore(proofs: readonly Uint8Array[]): Promise<RestoreAnswer[]> {
    this.restored = proofs;
    return Promise.resolve(
      proofs.map((proof): RestoreAnswer =>
        proof.length > 0
          ? { id: paymentId, result: "restored" }
          : { result: "no_proof", why: "it can't be read" }
      ),
    );
  }

  recent() {
    return Promise.resolve(this.traces);
  }

  trace(id: PaymentId) {
    return Promise.resolve(id === paymentId ? trace : undefined);
  }

  measured: Sample[] = [];

  samples(sequence: number): Sample[] {
    return this.measured.filter((sample) => sample.sequence > sequence);
  }

  activity(sequence: number): ActivityEntry[] {
    const entry = { sequence: 1, node: "alice", number: 3, clock: committed.clock, what: "posted" };
    return sequence < 1 ? [entry] : [];
  }

  /** What was seen of peers' logs. */
  readonly memories = new Map<string, PeerMemory>();

  memoryOf(name: string) {
    return Promise.resolve(this.memories.get(name));
  }

  readmit(name: string, by: string) {
    this.operated.push({ name, by });
    const answers = { bob: "readmitted", dave: "linked" } as Record<string, ReadmitAnswer>;
    return Promise.resolve(answers[name] ?? "unknown");
  }
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body's members, or none if it is no JSON object. */
  readonly json: Record<string, unknown>;
}

export type Ask = (path: string, init?: RequestInit & { method?: string }) => Promise<Reply>;

/** Asks an app of this node, by default with the right token and host. */
export function asker(node: AnyNodeApi, options: Partial<AppOptions> = {}): Ask {
  const hosts = () => ["localhost:7080", "127.0.0.1:7080"];
  const app = createApp(node, { token, hosts, loopback: true, ...options });
  return async (path, init = {}) => {
    const headers = new Headers(init.headers);
    if (!headers.has("authorization")) headers.set("authorization", `Bearer ${token}`);
    if (headers.get("authorization") === "none") headers.delete("authorization");
    const response = await app.request(`http://localhost:7080${path}`, { ...init, headers });
    return await replyOf(response);
  };
}

export async function replyOf(response: Response): Promise<Reply> {
  const text = await response.text();
  const isJson = text !== "" && /[/+]json/.test(response.headers.get("content-type") ?? "");
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson ? JSON.parse(text) : {},
  };
}

/** JSON lines. */
export function postLines(
  lines: readonly unknown[],
  headers: Record<string, string> = {},
): RequestInit {
  const body = lines.map((line) => typeof line === "string" ? line : JSON.stringify(line));
  return {
    method: "POST",
    headers: { "content-type": "application/x-ndjson", ...headers },
    body: body.join("\n"),
  };
}

export function post(body: unknown, headers: Record<string, string> = {}): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  };
}
