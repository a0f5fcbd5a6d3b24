/** `pay --batch`: sends the payments of a file, and tells what becomes of each. */

import { z } from "zod";
import { batchPath } from "../http/payment_batch.ts";
import { paymentBatchBytesMax, paymentBatchUnderWayMax } from "../limits.ts";
import type { Arguments } from "./arguments.ts";
import { Interruption } from "./interruption.ts";
import type { Io } from "./io.ts";
import { findNode } from "./node_address.ts";
import type { NodeAddress } from "./node_address.ts";
import type { Reply } from "./node_client.ts";
import { sendLines } from "./node_client.ts";
import type { BatchPayment } from "./pay_batch_file.ts";
import { legsOf, readBatch } from "./pay_batch_file.ts";
import { BatchReport } from "./pay_batch_report.ts";
import { payOutcome } from "./pay_outcome.ts";
import type { PayOutcome } from "./pay_outcome.ts";
import { isOfReusedId, reusedIdAnswer, reusedIdOutcome } from "./reused_id.ts";
import { answerMarginMs, waitIn } from "./send_payment.ts";

/** Resolves to the exit code. */
export async function payBatch(file: string, args: Arguments, io: Io): Promise<number> {
  const waitSeconds = waitIn(args);
  const payments = await readBatch(file, io);
  const node = await findNode(args);
  const report = new BatchReport(payments, io, args.is("json"));
  using interruption = new Interruption();
  let hasFailed = false;
  for (const part of partsOf(payments)) {
    if (hasFailed || !report.isHeard) {
      part.forEach((payment) => report.tell(payment, payOutcome(payment.id, unsent)));
      continue;
    }
    report.announce(part);
    hasFailed = !await sendPart(node, part, waitSeconds, report, interruption.signal);
  }
  return report.end();
}

/** Whatever kept the node from answering may have come to stay, and what is not sent is not unknown. */
const unsent: Reply = { type: "not_sent", reason: "those before it were not all answered" };

/** Tells an outcome for each; resolves to whether the node had one for each. */
async function sendPart(
  node: NodeAddress,
  part: readonly BatchPayment[],
  waitSeconds: number,
  report: BatchReport,
  interrupted: AbortSignal,
): Promise<boolean> {
  const left = new Map(part.map((payment, index) => [index + 1, payment]));
  const request = {
    path: `${batchPath}?wait=${waitSeconds}`,
    lines: part.map(({ text }) => text),
    silenceMsMax: waitSeconds * 1000 + answerMarginMs,
    interrupted,
  };
  // In the order of the answers, also where one has to be asked about first.
  let told = Promise.resolve();
  const tell = async (payment: BatchPayment, outcome: PayOutcome, body: object) => {
    if (!isOfReusedId(outcome)) return report.tell(payment, outcome, body);
    const legsAt = (name: string) => legsOf(payment, name);
    const known = await reusedIdOutcome(node, payment.id, legsAt, interrupted);
    report.tell(payment, known, reusedIdAnswer(payment.id, body, known));
  };
  const reply = await sendLines(node, request, (value) => {
    const { data: body } = lineAnswer.safeParse(value);
    const payment = left.get(body?.line ?? 0);
    if (body === undefined || payment === undefined) return;
    left.delete(body.line);
    const { status } = body;
    const outcome = payOutcome(payment.id, { type: "answered", status, body }, payment.other);
    told = told.then(() => tell(payment, outcome, body));
  });
  await told;
  for (const payment of left.values()) report.tell(payment, payOutcome(payment.id, reply));
  return left.size === 0;
}

const lineAnswer = z.looseObject({ line: z.number(), status: z.number() });

/** What goes into one request: no more than the node works on at a time, so that it answers all soon. */
function* partsOf(payments: readonly BatchPayment[]): Iterable<readonly BatchPayment[]> {
  // UTF-8 has three bytes for a UTF-16 unit at most; a line ends with one more.
  const charactersMax = paymentBatchBytesMax / 3;
  let part: BatchPayment[] = [];
  let characters = 0;
  for (const payment of payments) {
    const length = payment.text.length + 1;
    const isFull = part.length === paymentBatchUnderWayMax || characters + length > charactersMax;
    if (isFull && part.length > 0) {
      yield part;
      part = [];
      characters = 0;
    }
    part.push(payment);
    characters += length;
  }
  yield part;
}
