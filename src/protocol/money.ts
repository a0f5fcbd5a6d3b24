/** Amounts: `bigint` minor units inside, decimal text at the edge. */

/**
 * Currencies and their minor unit's exponent, from the tables of ISO 4217 (List One). Not from
 * `Intl`, which follows CLDR's usage and differs for IQD, RSD, LBP and others. Funds codes and
 * precious metals, which have no minor unit, are left out.
 */
const currenciesByExponent: Readonly<Record<number, string>> = {
  0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
  2: "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF " +
    "CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD " +
    "HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA " +
    "MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN " +
    "QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP " +
    "TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG",
  3: "BHD IQD JOD KWD LYD OMR TND",
  4: "UYW",
};

const exponents: ReadonlyMap<string, number> = new Map(
  Object.entries(currenciesByExponent).flatMap(([exponent, codes]) =>
    codes.split(" ").map((code): [string, number] => [code, Number(exponent)])
  ),
);

export function isCurrency(code: string): boolean {
  return exponents.has(code);
}

/** Digits after the point: 2 for USD, 0 for JPY, 3 for KWD; nothing for an unknown currency. */
export function currencyExponent(code: string): number | undefined {
  return exponents.get(code);
}

/**
 * Minor units of a decimal amount such as `125.00`. Fewer decimals than the currency has are
 * filled up, more are refused: nothing is rounded.
 *
 * @throws {RangeError} naming the text and what is wrong with it
 */
export function parseAmount(text: string, currency: string): bigint {
  const exponent = currencyExponent(currency);
  if (exponent === undefined) {
    throw new RangeError(`Unknown currency "${currency}": give an ISO 4217 code such as USD`);
  }
  const match = /^(-?)(\d{1,20})(?:\.(\d+))?$/.exec(text);
  if (!match) {
    throw new RangeError(`Amount "${text}" is not a decimal number such as 125.00`);
  }
  const [, sign, whole, fraction = ""] = match;
  if (fraction.length > exponent) {
    throw new RangeError(
      `Amount "${text}" has ${fraction.length} decimals, but ${currency} has ${exponent}`,
    );
  }
  const units = BigInt(whole + fraction.padEnd(exponent, "0"));
  return sign === "-" ? -units : units;
}

/** Decimal text of minor units: `12500n` of USD is `125.00`. */
export function formatAmount(units: bigint, currency: string): string {
  const exponent = currencyExponent(currency) ?? 0;
  const digits = (units < 0n ? -units : units).toString().padStart(exponent + 1, "0");
  const sign = units < 0n ? "-" : "";
  if (exponent === 0) return sign + digits;
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}
