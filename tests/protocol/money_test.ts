import { assertEquals, assertThrows } from "@std/assert";
import {
  currencyExponent,
  formatAmount,
  isCurrency,
  parseAmount,
} from "../../src/protocol/money.ts";

/** ISO 4217, List One; CLDR has 0 for IQD, RSD and LBP. */
const exponents: readonly [string, number | undefined][] = [
  ["USD", 2],
  ["EUR", 2],
  ["JPY", 0],
  ["KWD", 3],
  ["IQD", 3],
  ["RSD", 2],
  ["LBP", 2],
  ["UYW", 4],
  ["ISK", 0],
  ["MGA", 2],
  ["XXX", undefined],
  ["XAU", undefined],
  ["usd", undefined],
  ["", undefined],
];

for (const [code, exponent] of exponents) {
  Deno.test(`currencyExponent("${code}") is ${exponent}`, () => {
    assertEquals(currencyExponent(code), exponent);
    assertEquals(isCurrency(code), exponent !== undefined);
  });
}

const amounts: readonly [string, string, bigint, string][] = [
  ["125.00", "USD", 12_500n, "125.00"],
  ["125", "USD", 12_500n, "125.00"],
  ["125.5", "USD", 12_550n, "125.50"],
  ["-0.01", "USD", -1n, "-0.01"],
  ["-0", "USD", 0n, "0.00"],
  ["007", "JPY", 7n, "7"],
  ["-7", "JPY", -7n, "-7"],
  ["0.001", "KWD", 1n, "0.001"],
  ["0.0001", "UYW", 1n, "0.0001"],
  ["9999999999999999.99", "USD", 999_999_999_999_999_999n, "9999999999999999.99"],
];

for (const [text, currency, units, formatted] of amounts) {
  Deno.test(`"${text}" ${currency} is ${units} minor units, written ${formatted}`, () => {
    assertEquals(parseAmount(text, currency), units);
    assertEquals(formatAmount(units, currency), formatted);
    assertEquals(parseAmount(formatted, currency), units);
  });
}

const refused: readonly [string, string, string][] = [
  ["1.234", "USD", "3 decimals"],
  ["1.0", "JPY", "1 decimals"],
  ["1.", "USD", "not a decimal number"],
  [".5", "USD", "not a decimal number"],
  ["1,5", "USD", "not a decimal number"],
  ["+1", "USD", "not a decimal number"],
  ["1e3", "USD", "not a decimal number"],
  ["0x10", "USD", "not a decimal number"],
  [" 1", "USD", "not a decimal number"],
  ["1\n", "USD", "not a decimal number"],
  ["٣", "USD", "not a decimal number"],
  ["", "USD", "not a decimal number"],
  ["1", "XYZ", "Unknown currency"],
];

for (const [text, currency, why] of refused) {
  Deno.test(`parseAmount() refuses ${JSON.stringify(text)} ${currency}: ${why}`, () => {
    assertThrows(() => parseAmount(text, currency), RangeError, why);
  });
}
