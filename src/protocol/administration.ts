/**
 * What a participant's owners and operators ask of it besides payments: accounts, cards, heuristic
 * decisions, erasures. What changes anything is recorded, and answered once that is durable.
 */

import { cardIdOf, sameMonth } from "./card.ts";
import { decisionText } from "./message.ts";
import type {
  AcknowledgeEvent,
  AddCardEvent,
  AdministrativeEvent,
  CardResult,
  EraseEvent,
  OpenEvent,
  Out,
  Recorder,
  RemoveCardEvent,
  ResolveAnswer,
  ResolveEvent,
} from "./participant_event.ts";
import type { ParticipantState } from "./participant_state.ts";
import type { Turn } from "./step.ts";

export class Administration {
  readonly #state: ParticipantState;
  readonly #record: Recorder;

  constructor(state: ParticipantState, record: Recorder) {
    this.#state = state;
    this.#record = record;
  }

  step(event: AdministrativeEvent, turn: Turn, out: Out): void {
    switch (event.type) {
      case "open":
        return this.#openAccount(event, turn, out);
      case "addCard":
        return this.#addCard(event, turn, out);
      case "removeCard":
        return this.#removeCard(event, turn, out);
      case "resolve":
        return this.#resolve(event, turn, out);
      case "acknowledge":
        return this.#acknowledge(event, turn, out);
      case "erase":
        return this.#erase(event, turn, out);
      default:
        event satisfies never;
    }
  }

  #openAccount(event: OpenEvent, turn: Turn, out: Out): void {
    const { request, account, currency, opening } = event;
    const existing = this.#state.ledger.account(account);
    if (!existing) this.#record({ type: "opened", account, currency, opening }, turn, out);
    const result = !existing ? "opened" : existing.currency === currency ? "existed" : "differs";
    out.replies.push({ request, answer: { state: "account", result } });
  }

  #addCard({ request, ...card }: AddCardEvent, turn: Turn, out: Out): void {
    const answer = (result: CardResult) =>
      out.replies.push({ request, answer: { state: "card", result } });
    const { hash, account, masked, expiry } = card;
    const known = this.#state.card(cardIdOf(hash));
    if (known) {
      const isSame = known.hash === hash && known.account === account &&
        sameMonth(known.expiry, expiry);
      return void answer(isSame ? "existed" : "differs");
    }
    if (!this.#state.ledger.account(account)) return void answer("account_not_found");
    this.#record({ type: "carded", hash, account, masked, expiry }, turn, out);
    answer("added");
  }

  #removeCard({ request, id }: RemoveCardEvent, turn: Turn, out: Out): void {
    const known = this.#state.card(id);
    if (known) this.#record({ type: "uncarded", hash: known.hash }, turn, out);
    const result = known ? "removed" : "card_not_found";
    out.replies.push({ request, answer: { state: "card", result } });
  }

  #resolve(event: ResolveEvent, turn: Turn, out: Out): void {
    const { request, transaction, commit, by } = event;
    const reply = (answer: ResolveAnswer): void => {
      out.replies.push({ request, answer });
    };
    const held = this.#state.heldIn(transaction);
    if (!held) return reply({ state: "resolved", result: "not_in_doubt" });
    const { order, card } = held;
    const { payment } = order;
    if (held.type === "forced") {
      const { commit, by, context: { atMs } } = held;
      const resolution = { payment, commit, by, atMs };
      return reply({ state: "resolved", result: "was_forced", resolution });
    }
    this.#record({ type: "forced", transaction, order, commit, by, card }, turn, out);
    out.alarm(
      `${by} forced ${transaction} to ${decisionText(commit)}: if the real decision is another, ` +
        "this ledger differs from the others",
      transaction,
    );
    const resolution = { payment, commit, by, atMs: turn.atMs };
    reply({ state: "resolved", result: "forced", resolution });
  }

  #acknowledge({ request, transaction, by }: AcknowledgeEvent, turn: Turn, out: Out): void {
    const mismatch = [...this.#state.mismatches()].find((known) =>
      known.transaction === transaction
    );
    const payment = mismatch?.payment;
    if (payment) this.#record({ type: "acknowledged", transaction, payment, by }, turn, out);
    out.replies.push({ request, answer: { state: "acknowledged", payment } });
  }

  /** Only what is over: until then an attempt may bring the details again. */
  #erase({ request, payment, by }: EraseEvent, turn: Turn, out: Out): void {
    const isOver = !this.#state.held(payment);
    if (isOver) this.#record({ type: "erased", payment, by }, turn, out);
    out.replies.push({
      request,
      answer: { state: "erased", atMs: isOver ? turn.atMs : undefined },
    });
  }
}
