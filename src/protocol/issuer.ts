/** What a participant judges as the issuer of cards. */

import type { CardClaim } from "./card.ts";
import { cardIdOf, sameMonth } from "./card.ts";
import type { DeclineReason } from "./declines.ts";
import { Declines } from "./declines.ts";
import type { Prepare } from "./message.ts";
import { formatAmount } from "./money.ts";
import type { Leg } from "./order.ts";
import type { ParticipantState } from "./participant_state.ts";
import type { LogRecord } from "./record.ts";
import type { Turn } from "./step.ts";

export class Issuer {
  readonly declines = new Declines();
  readonly #state: ParticipantState;

  constructor(state: ParticipantState) {
    this.#state = state;
  }

  /** Told of every record of this node. */
  recorded(record: LogRecord): void {
    if (record.type === "carded") this.declines.issued(record.hash);
    else if (record.type === "posted") this.declines.settled(record.transaction, true);
    else if (record.type === "released" || record.type === "mismatch") {
      this.declines.settled(record.transaction, false);
    }
  }

  /**
   * The account that pays for a card, which is who may debit it here: whoever knows the card, not who
   * orders. Nothing where it is declined; nobody else is told why, or a merchant could find out which
   * cards there are, and how much is on them.
   */
  accountOf(
    leg: Leg,
    { transaction, order }: Prepare,
    claim: CardClaim | undefined,
    turn: Turn,
    notes: string[],
  ): string | undefined {
    const { originator: merchant, payment } = order;
    const { currency } = leg;
    if (this.declines.has(transaction)) return undefined;
    const { nowMs, atMs } = turn;
    const hash = claim?.hash;
    const found = this.declines.isSlowed(merchant, hash, nowMs)
      ? "too_many_failures"
      : this.#judge(leg, claim, turn);
    if (typeof found === "object") {
      if (hash !== undefined) this.declines.charged(transaction, hash);
      return found.account;
    }
    const amount = -leg.amount;
    const masked = claim?.masked;
    const isNews = this.declines.add(
      { transaction, payment, merchant, masked, amount, currency, reason: found, atMs },
      hash,
      nowMs,
    );
    if (!isNews) return undefined;
    notes.push(
      `declined ${formatAmount(amount, currency)} ${currency} to ${merchant} by card ` +
        `${masked ?? "unread"}, payment ${payment}: ${found}`,
    );
    return undefined;
  }

  /** The account behind a card, or why it does not pay. */
  #judge(
    leg: Leg,
    claim: CardClaim | undefined,
    { atMs }: Turn,
  ): { readonly account: string } | DeclineReason {
    if (!claim) return "card_unreadable";
    if (!claim.isNumber) return "number_malformed";
    const card = this.#state.card(cardIdOf(claim.hash));
    if (card?.hash !== claim.hash) return "card_unknown";
    if (!claim.expiry || !sameMonth(claim.expiry, card.expiry)) return "expiry_wrong";
    if (claim.expiresMs <= atMs) return "card_expired";
    if (!claim.isCvvRight) return "cvv_wrong";
    const { account } = card;
    return this.#state.ledger.refusalOf([{ ...leg, account }], true) ?? { account };
  }
}
