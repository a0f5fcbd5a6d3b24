import { assertEquals } from "@std/assert";
import { operatorLengthMax } from "../../src/limits.ts";
import { isName } from "../../src/names.ts";
import {
  isLaterTransaction,
  isOperator,
  parsePaymentId,
  parseTransactionId,
  paymentIdMs,
  transactionId,
  transactionParts,
} from "../../src/protocol/id.ts";
import { atMs, epochs, paymentAt, transactions } from "./example.ts";

const paymentIds: readonly [string, boolean][] = [
  ["0197f2c0-1a2b-7c3d-8e4f-0123456789ab", true],
  ["0197F2C0-1A2B-7C3D-8E4F-0123456789AB", true],
  ["0197f2c0-1a2b-7c3d-be4f-0123456789ab", true],
  ["0197f2c0-1a2b-4c3d-8e4f-0123456789ab", false],
  ["0197f2c0-1a2b-7c3d-ce4f-0123456789ab", false],
  ["0197f2c01a2b7c3d8e4f0123456789ab", false],
  ["0197f2c0-1a2b-7c3d-8e4f-0123456789ab\n", false],
  ["{0197f2c0-1a2b-7c3d-8e4f-0123456789ab}", false],
  ["", false],
];

for (const [text, isId] of paymentIds) {
  Deno.test(`parsePaymentId(${JSON.stringify(text)}) is ${isId ? "an id" : "none"}`, () => {
    assertEquals<string | undefined>(parsePaymentId(text), isId ? text.toLowerCase() : undefined);
  });
}

Deno.test("paymentIdMs() is the time in the id, and ids sort by it", () => {
  for (const ms of [0, 1, atMs, 2 ** 48 - 1]) assertEquals(paymentIdMs(paymentAt(ms)), ms);
  assertEquals(paymentAt(atMs) < paymentAt(atMs + 1), true);
});

const transactionIds: readonly [string, boolean][] = [
  ["1-0123456789ab-1", true],
  ["9999999999-ffffffffffff-999999999999999", true],
  ["0-0123456789ab-1", false],
  ["01-0123456789ab-1", false],
  ["1-0123456789ab-0", false],
  ["1-0123456789AB-1", false],
  ["1-0123456789a-1", false],
  ["1-0123456789ab", false],
  ["-1-0123456789ab-1", false],
];

for (const [text, isId] of transactionIds) {
  Deno.test(`parseTransactionId("${text}") is ${isId ? "an id" : "none"}`, () => {
    const id = parseTransactionId(text);
    assertEquals<string | undefined>(id, isId ? text : undefined);
    if (!id) return;
    const { counter, nonce, sequence } = transactionParts(id);
    assertEquals(transactionId({ counter, nonce }, sequence), id);
  });
}

const { T0, T1, Tbefore, Tnext } = transactions;
const pairs = [
  [T1, T0, true],
  [T0, T1, false],
  [T1, T1, false],
  [T0, Tbefore, true],
  [T1, Tnext, false],
  [transactionId(epochs.present, 10), transactionId(epochs.present, 9), true],
] as const;

for (const [a, b, expected] of pairs) {
  Deno.test(`isLaterTransaction("${a}", "${b}") is ${expected}`, () => {
    assertEquals(isLaterTransaction(a, b), expected);
  });
}

const names: readonly [string, boolean][] = [
  ["a", true],
  ["bob-2", true],
  ["a".repeat(31), true],
  ["a".repeat(32), false],
  ["Bob", false],
  ["2bob", false],
  ["-bob", false],
  ["bob\n", false],
  ["b.ob", false],
  ["b_ob", false],
  ["", false],
];

for (const [name, expected] of names) {
  Deno.test(`isName(${JSON.stringify(name)}) is ${expected}`, () => {
    assertEquals(isName(name), expected);
  });
}

const operators: readonly [string, boolean][] = [
  ["a", true],
  ["Ann Ødegård, treasury", true],
  ["۱ آن", true],
  ["é".repeat(operatorLengthMax), true],
  ["a".repeat(operatorLengthMax + 1), false],
  ["", false],
  ["  ", false],
  ["ann\n", false],
  ["ann\u001b[2K", false],
  ["ann\u0085", false],
  ["ann\u2028", false],
  ["ann\u202e", false],
  ["ann\ud800", false],
];

for (const [name, expected] of operators) {
  Deno.test(`isOperator(${JSON.stringify(name)}) is ${expected}`, () => {
    assertEquals(isOperator(name), expected);
  });
}
