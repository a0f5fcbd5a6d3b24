/** What the codes of refusals mean, for people: on the page, and in the commands. */

import type { RefusalCode } from "../protocol/order.ts";

/**
 * What a refusal's code means, for people.
 *
 * @param other the participant that the payment was for, where there is one beside the payer's
 */
export function outcomeReason(code: string | undefined, other?: string): string {
  if (other !== undefined && code === "participant_unknown") {
    return `no participant "${other}" is in the network`;
  }
  if (other !== undefined && code === "participant_unreachable") {
    return `participant "${other}" could not be reached`;
  }
  return reasons.get(code ?? "") ?? "no reason is known";
}

const reasonOf: Readonly<Record<RefusalCode, string>> = {
  legs_invalid: "it names an account twice, or one that is reserved",
  legs_unbalanced: "what is debited is not what is credited",
  currency_unknown: "the currency is none of ISO 4217",
  amount_out_of_range: "the amount is too large",
  participant_unknown: "no participant of that name is in the network",
  participant_unreachable: "a participant could not be reached",
  account_not_found: "there is no such account",
  currency_mismatch: "an account is kept in another currency",
  debit_not_authorized: "only the owner of an account may debit it",
  insufficient_funds: "the account has less available",
  vote_timeout: "a participant did not vote in time",
  forced_otherwise:
    "an operator of a participant has decided an earlier attempt by hand, and what " +
    "that node posted stands until it is put right",
  details_unreadable: "a recipient can't read its details",
  card_declined: "the card's issuer does not say why",
};
const reasons: ReadonlyMap<string, string> = new Map(Object.entries(reasonOf));
