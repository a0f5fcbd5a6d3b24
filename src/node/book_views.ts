/** What users see of a participant's accounts and cards. */

import type { AccountView, CardView } from "../http/node_api.ts";
import { cardIdOf } from "../protocol/card.ts";
import type { Account } from "../protocol/ledger.ts";
import { availableOf } from "../protocol/ledger.ts";
import type { Card } from "../protocol/participant_state.ts";

export function accountView(account: Account): AccountView {
  const { name, currency, posted, pendingDebits, pendingCredits } = account;
  const available = availableOf(account);
  return { account: name, currency, posted, pendingDebits, pendingCredits, available };
}

export function cardView({ hash, account, masked, expiry, context: { atMs } }: Card): CardView {
  return { id: cardIdOf(hash), account, masked, expiry, atMs };
}
