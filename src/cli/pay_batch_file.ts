/** The payments in a file of JSON lines, told as malformed before any of them is sent. */

import { messageOf, UsageError } from "../errors.ts";
import { parsePaymentLine, paymentRequest } from "../http/payment_request.ts";
import type { PaymentBody } from "../http/payment_request.ts";
import { faultsText } from "../http/problem.ts";
import type { PaymentId } from "../protocol/id.ts";
import type { Leg } from "../protocol/order.ts";
import type { Io } from "./io.ts";
import { linesOf } from "./lines.ts";
import { newId } from "./new_id.ts";

export interface BatchPayment {
  /** Of the file, from 1. */
  readonly line: number;
  readonly id: PaymentId;
  /** Whether the file gives the id. */
  readonly hasOwnId: boolean;
  /** The participant that it is for, where there is one beside the payer's. */
  readonly other?: string;
  /** As it is sent, with its id. */
  readonly text: string;
}

/**
 * Reads `-` from stdin. A payment without an id is given one, so that it can be asked about.
 *
 * @throws {UsageError} naming the lines that are malformed, or have the id of another
 */
export async function readBatch(file: string, io: Io): Promise<BatchPayment[]> {
  const payments: BatchPayment[] = [];
  const lineOf = new Map<PaymentId, number>();
  const wrong: string[] = [];
  let wrongCount = 0;
  const isWrong = (line: number, why: string) => {
    if (wrongCount++ < wrongLinesMax) wrong.push(`line ${line}: ${why}`);
  };
  let line = 0;
  for await (const text of readLines(file, io)) {
    line++;
    if (text.trim() === "") continue;
    const body = parsePaymentLine(text);
    if ("faults" in body) {
      isWrong(line, faultsText(body.faults));
      continue;
    }
    const { id = newId() } = body;
    const hasOwnId = body.id !== undefined;
    const twin = lineOf.get(id);
    // It would be paid once, and be told as committed twice.
    if (twin !== undefined) isWrong(line, `id: is that of line ${twin}, too`);
    else lineOf.set(id, line);
    payments.push({
      ...{ line, id, hasOwnId, other: otherIn(body) },
      text: hasOwnId ? text : withId(text, id),
    });
  }
  if (wrongCount > 0) throw new UsageError(wrongText(file, wrong, wrongCount));
  if (payments.length === 0) throw new UsageError(`--batch "${file}" holds no payment`);
  return payments;
}

/** What a payment orders, at a node of that name. */
export function legsOf({ text }: BatchPayment, name: string): readonly Leg[] {
  const body = parsePaymentLine(text);
  const request = "faults" in body ? undefined : paymentRequest(body, undefined, undefined, name);
  return request !== undefined && "legs" in request ? request.legs : [];
}

/** Lines that are named as wrong. */
const wrongLinesMax = 20;

function wrongText(file: string, wrong: readonly string[], count: number): string {
  const many = count === 1 ? "1 line is" : `${count} lines are`;
  const lines = count > wrong.length ? [...wrong, `and ${count - wrong.length} more`] : wrong;
  return `nothing was sent, as ${many} wrong in --batch "${file}":\n  ${lines.join("\n  ")}`;
}

async function* readLines(file: string, io: Io): AsyncIterable<string> {
  try {
    yield* file === "-" ? io.inputLines() : linesOf((await Deno.open(file)).readable);
  } catch (thrown) {
    throw new UsageError(`cannot read --batch "${file}": ${messageOf(thrown)}`);
  }
}

function otherIn(body: PaymentBody): string | undefined {
  if ("to" in body) return body.to.participant;
  const named = (legs: typeof body.legs) => legs.map(({ account }) => account.participant);
  const payers = new Set(named(body.legs.filter(({ amount }) => amount < 0n)));
  const [other, ...more] = new Set(named(body.legs)).difference(payers);
  return more.length === 0 ? other : undefined;
}

/** The text of an object with members, and one more. */
function withId(text: string, id: PaymentId): string {
  return text.replace("{", `{"id":"${id}",`);
}
