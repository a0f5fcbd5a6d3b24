/** How cards are written. The numbers are those that payment networks publish for tests. */

import { assertEquals } from "@std/assert";
import {
  cardIdOf,
  expiryText,
  hasCheckDigit,
  isCardId,
  isCvv,
  maskedNumber,
  parseCardDigits,
  parseExpiry,
} from "../../src/protocol/card.ts";

const numbers: readonly [written: string, digits: string | undefined, isNumber?: boolean][] = [
  ["4111111111111111", "4111111111111111", true],
  ["4111 1111 1111 1111", "4111111111111111", true],
  ["4111-1111-1111-1111", "4111111111111111", true],
  ["5555555555554444", "5555555555554444", true],
  ["2223003122003222", "2223003122003222", true],
  ["3782 822463 10005", "378282246310005", true],
  ["30569309025904", "30569309025904", true],
  ["6304000000000000", "6304000000000000", true],
  ["4222222222222", "4222222222222", true],
  ["6759649826438453", "6759649826438453", true],
  ["6799990100000000019", "6799990100000000019", true],
  ["000000000000", "000000000000", true],
  ["4111111111111112", "4111111111111112", false],
  ["1411111111111111", "1411111111111111", false],
  ["4222222222223", "4222222222223", false],
  ["41111111111", undefined],
  ["41111111111111111111", undefined],
  ["", undefined],
  [" 4111111111111111", undefined],
  ["4111111111111111 ", undefined],
  ["4111  111111111111", undefined],
  ["4111-", undefined],
  ["4111.1111.1111.1111", undefined],
  ["4111111111111１11", undefined],
  ["4111111111111111\n", undefined],
];

for (const [written, digits, isNumber] of numbers) {
  Deno.test(`${JSON.stringify(written)} is ${digits ? `a number: ${isNumber}` : "no number"}`, () => {
    assertEquals(parseCardDigits(written), digits);
    if (digits) assertEquals(hasCheckDigit(digits), isNumber);
  });
}

Deno.test("the check digit finds every wrong digit, and every two neighbours that changed places", () => {
  for (const number of ["4111111111111111", "378282246310005", "5105105105105100"]) {
    for (let at = 0; at < number.length; at++) {
      for (let digit = 0; digit < 10; digit++) {
        const changed = number.slice(0, at) + digit + number.slice(at + 1);
        assertEquals(hasCheckDigit(changed), changed === number, changed);
      }
      const [a, b] = [number[at], number[at + 1]];
      // As every Luhn digit: but for 0 and 9.
      if (b === undefined || a === b || [a, b].toSorted().join("") === "09") continue;
      const turned = number.slice(0, at) + b + a + number.slice(at + 2);
      assertEquals(hasCheckDigit(turned), false, turned);
    }
  }
});

const masks: readonly [digits: string, masked: string][] = [
  ["6799990100000000019", "679999*********0019"],
  ["4111111111111111", "411111******1111"],
  ["378282246310005", "37828******0005"],
  ["30569309025904", "3056******5904"],
  ["4222222222222", "422******2222"],
  ["000000000000", "00******0000"],
  ["12345678", "******78"],
  ["123456", "******"],
  ["1", "*"],
];

for (const [digits, masked] of masks) {
  Deno.test(`a number of ${digits.length} digits is shown as ${masked}`, () => {
    assertEquals(maskedNumber(digits), masked);
  });
}

const expiries: readonly [text: string, month: string | undefined][] = [
  ["01/27", "2027-1"],
  ["12/99", "2099-12"],
  ["00/27", undefined],
  ["13/27", undefined],
  ["1/27", undefined],
  ["01/2027", undefined],
  ["01-27", undefined],
  ["", undefined],
];

for (const [text, month] of expiries) {
  Deno.test(`an expiry ${JSON.stringify(text)} is ${month ?? "none"}`, () => {
    const expiry = parseExpiry(text);
    assertEquals(expiry && `${expiry.year}-${expiry.month}`, month);
    if (expiry) assertEquals(expiryText(expiry), text);
  });
}

Deno.test("a CVV is three or four digits, an id twelve hexadecimal ones", () => {
  assertEquals(["12", "123", "1234", "12345", "12a", ""].map(isCvv), [
    ...[false, true, true, false, false, false],
  ]);
  const id = cardIdOf("0123456789abcdef".repeat(4));
  assertEquals([id, id + "c", id.slice(1), id.toUpperCase()].map(isCardId), [
    ...[true, false, false, false],
  ]);
});
