/** Parsers of what people type; each throws {@linkcode UsageError} with the value and the remedy. */

import { type Endpoint, portIn, splitEndpoint } from "../endpoint.ts";
import { messageOf, shortened, UsageError } from "../errors.ts";
import { amountMax, waitMsMax } from "../limits.ts";
import { isName } from "../names.ts";
import type { Opening } from "../node/run.ts";
import { isLine, parsePaymentId, parseTransactionId } from "../protocol/id.ts";
import type { PaymentId, TransactionId } from "../protocol/id.ts";
import { currencyExponent, formatAmount, isCurrency, parseAmount } from "../protocol/money.ts";
import { reservedAccounts } from "../protocol/order.ts";
import type { Arguments } from "./arguments.ts";

/** `flag` is named in errors, as in `--name` or `NAME`. */
export function parseName(text: string, flag: string): string {
  if (isName(text)) return text;
  const shown = `${flag} "${shortened(text)}"`;
  throw new UsageError(
    `${shown} is no name: give a lower-case letter, then up to 30 of a-z, 0-9 and -`,
  );
}

/** Names separated by commas, none of them twice. */
export function parseNames(text: string, flag: string): string[] {
  const names = text.split(",").map((name) => parseName(name.trim(), flag));
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw new UsageError(`${flag} names "${twice}" twice: give it once`);
  return names;
}

export function parseAccount(text: string, flag: string): string {
  const account = parseName(text, flag);
  if (!reservedAccounts.includes(account)) return account;
  throw new UsageError(`${flag} "${account}" is reserved: give an account of a user`);
}

/** `bob` means `main@bob`. */
export function parseAddress(text: string, flag: string): string {
  const parts = text.split("@");
  const [first = "", participant] = parts;
  if (parts.length === 1 && isName(first)) return `main@${first}`;
  if (parts.length !== 2 || participant === undefined || !isName(first) || !isName(participant)) {
    throw new UsageError(
      `${flag} "${shortened(text)}" is no account: give ACCOUNT@PARTICIPANT such as main@bob`,
    );
  }
  return text;
}

/** `HOST:PORT`, with an IPv6 address in brackets. */
export function parseEndpoint(text: string, flag: string): Endpoint {
  const parts = splitEndpoint(text);
  const shown = `${flag} "${shortened(text)}"`;
  if (parts) return { hostname: parts.hostname, port: parsePort(parts.port, shown) };
  throw new UsageError(`${shown} is no HOST:PORT such as 127.0.0.1:7443 or [::1]:7443`);
}

/** `what` begins the error. */
export function parsePort(text: string, what: string): number {
  const port = portIn(text);
  if (port !== undefined) return port;
  throw new UsageError(`${what}: the port must be a number between 0 and 65535`);
}

/** One line of at most so many characters, as payments can tell it. */
export function parseLine(text: string, lengthMax: number, flag: string): string {
  if (text.length > lengthMax) {
    throw new UsageError(`${flag} has ${text.length} characters, but may have ${lengthMax}`);
  }
  if (isLine(text, lengthMax)) return text;
  throw new UsageError(`${flag} must be one line without control characters`);
}

export function parseCurrency(text: string, flag: string): string {
  if (isCurrency(text)) return text;
  throw new UsageError(
    `${flag} "${shortened(text)}" is no currency: give an ISO 4217 code such as USD`,
  );
}

/** A decimal amount above zero, as text: how many decimals it may have depends on the currency. */
export function parseDecimal(text: string, flag: string): string {
  refuseOtherNumbers(text, flag);
  if (/[1-9]/.test(text) && !text.startsWith("-")) return text;
  throw new UsageError(`${flag} "${shortened(text)}" must be more than zero`);
}

/** Minor units of a decimal amount above zero. */
export function parsePositive(text: string, currency: string, flag: string): bigint {
  const units = parseUnits(text, currency, flag);
  if (units > 0n) return units;
  throw new UsageError(`${flag} "${shortened(text)}" must be more than zero`);
}

/** Minor units of a decimal amount that is not below zero. */
export function parseFromZero(text: string, currency: string, flag: string): bigint {
  const units = parseUnits(text, currency, flag);
  if (units >= 0n) return units;
  throw new UsageError(`${flag} "${shortened(text)}" must not be below zero`);
}

/** `ACCOUNT=AMOUNT:CURRENCY`. */
export function parseOpening(text: string, flag: string): Opening {
  const [, account, decimal, code] = /^([^=]*)=([^:]*):(.*)$/.exec(text) ?? [];
  if (account === undefined || decimal === undefined || code === undefined) {
    throw new UsageError(
      `${flag} "${shortened(text)}" is no ACCOUNT=AMOUNT:CURRENCY such as main=1000.00:USD`,
    );
  }
  const currency = parseCurrency(code, flag);
  const amount = parseUnits(decimal, currency, flag);
  if (amount < 0n) {
    throw new UsageError(`${flag} "${shortened(text)}": the amount must not be below zero`);
  }
  return { account: parseAccount(account, flag), currency, amount };
}

/** Seconds, with up to three decimals. */
export function parseWait(text: string, flag: string): number {
  const seconds = /^\d{1,5}(\.\d{1,3})?$/.test(text) ? Number(text) : Infinity;
  if (seconds * 1000 <= waitMsMax) return seconds;
  throw new UsageError(
    `${flag} "${shortened(text)}" must be a number of seconds from 0 to ${waitMsMax / 1000}`,
  );
}

/** The whole number that a flag gives, or nothing where it is not given. */
export function wholeIn(
  args: Arguments,
  flag: string,
  range: readonly [least: number, most: number],
): number | undefined {
  const text = args.text(flag);
  return text === undefined ? undefined : parseWhole(text, range, `--${flag}`);
}

/** A whole number of a range, both ends included. */
export function parseWhole(
  text: string,
  [least, most]: readonly [least: number, most: number],
  flag: string,
): number {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (number >= least && number <= most) return number;
  throw new UsageError(
    `${flag} "${shortened(text)}" is no whole number from ${least} to ${most}`,
  );
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-([1-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function parseId(text: string, flag: string): PaymentId {
  const id = parsePaymentId(text);
  if (id !== undefined) return id;
  const version = uuidPattern.exec(text)?.[1];
  if (version !== undefined && version !== "7") {
    throw new UsageError(
      `${flag} "${shortened(text)}" is a UUID of version ${version}; payments need version 7`,
    );
  }
  throw new UsageError(
    `${flag} "${shortened(text)}" is no payment id: give the UUIDv7 that "pay" printed`,
  );
}

export function parseTransaction(text: string, flag: string): TransactionId {
  const id = parseTransactionId(text);
  if (id !== undefined) return id;
  throw new UsageError(
    `${flag} "${shortened(text)}" is no transaction id: give one that "in-doubt" shows`,
  );
}

export function parseChoice<T extends string>(
  text: string,
  choices: readonly T[],
  flag: string,
): T {
  const choice = choices.find((choice) => choice === text);
  if (choice !== undefined) return choice;
  throw new UsageError(
    `${flag} "${shortened(text)}" is unknown: give one of ${choices.join(", ")}`,
  );
}

/** In minor units. */
function parseUnits(text: string, currency: string, flag: string): bigint {
  refuseOtherNumbers(text, flag);
  const [, whole = "", fraction = ""] = /^-?0*(\d*)(?:\.(\d+))?$/.exec(text) ?? [];
  const exponent = currencyExponent(currency);
  if (exponent !== undefined && fraction.length > exponent) {
    const decimals = `${fraction.length} ${fraction.length === 1 ? "decimal" : "decimals"}`;
    const most = exponent === 0 ? "none" : exponent;
    throw new UsageError(
      `${flag} "${shortened(text)}" has ${decimals}, but ${currency} has ${most}`,
    );
  }
  // parseAmount() takes no more digits.
  const units = whole.length > 20 ? undefined : amountOf(text, currency, flag);
  if (units !== undefined && units <= amountMax && -units <= amountMax) return units;
  const most = formatAmount(amountMax, currency);
  throw new UsageError(`${flag} "${shortened(text)}" is out of range: at most ${most} ${currency}`);
}

function amountOf(text: string, currency: string, flag: string): bigint {
  try {
    return parseAmount(text, currency);
  } catch (thrown) {
    throw new UsageError(`${flag}: ${messageOf(thrown)}`);
  }
}

/** What is written as in some countries is not guessed at: a comma may be either. */
function refuseOtherNumbers(text: string, flag: string): void {
  if (/^-?\d+(\.\d+)?$/.test(text)) return;
  const remedy = /^-?\d{1,3}([,'_ ]\d{3})+(\.\d+)?$/.test(text)
    ? ": write it without separators"
    : /^-?\d+,\d+$/.test(text)
    ? ": write its decimals after a point"
    : "";
  throw new UsageError(`${flag} "${shortened(text)}" is no decimal number such as 125.00${remedy}`);
}
