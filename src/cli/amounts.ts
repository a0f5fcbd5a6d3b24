import { formatAmount } from "../protocol/money.ts";

/** Minor units for people to read: `123450n` of USD is `1,234.50 USD`. */
export function amountText(units: bigint, currency: string): string {
  const [whole = "", ...fraction] = formatAmount(units, currency).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return `${[grouped, ...fraction].join(".")} ${currency}`;
}
