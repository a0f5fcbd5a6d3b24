/** `GET /v1/accounts/NAME/statement`: all that moved an account in a period, line by line. */

import { createRoute, z } from "@hono/zod-openapi";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { messageOf } from "../errors.ts";
import { paymentIdAheadMsMax, statementPieceLength } from "../limits.ts";
import { isTold } from "./access.ts";
import type { AnyNodeApi, StatementPart, StatementQuery, StatementView } from "./node_api.ts";
import { toldInsteadSchema, toldJson } from "./payment_view.ts";
import { linesType } from "./payment_batch.ts";
import { malformed, problem, problems } from "./problem.ts";
import { digitsSchema, nameSchema, parsed, timeSchema } from "./schema.ts";
import { parseTime } from "./time_text.ts";

export function addStatementRoute(
  app: OpenAPIHono,
  node: AnyNodeApi,
  onError: (line: string) => void,
): void {
  app.openapi(statementRoute, async (c) => {
    const { name: account } = c.req.valid("param");
    const { from: fromMs, to: toMs } = c.req.valid("query");
    if (fromMs !== undefined && toMs !== undefined && fromMs > toMs) {
      return malformed(c, [{ field: "from", reason: "must not be later than to" }]);
    }
    const query = { account, fromMs, toMs };
    const statement = node.role === "participant" ? await node.statement(query) : undefined;
    if (statement === undefined) {
      const detail = `There is no account "${account}" at ${node.name}`;
      return problem(c, 404, "account_not_found", detail);
    }
    // At the stroke of midnight, by the clock of who asks, this node's may be a little behind.
    if (fromMs !== undefined && fromMs > statement.atMs + paymentIdAheadMsMax) {
      const reason =
        `is ${timeJson(fromMs)}, and now is ${timeJson(statement.atMs)}: a statement ` +
        `can't begin more than ${paymentIdAheadMsMax / 60_000} minutes later than now`;
      return malformed(c, [{ field: "from", reason }]);
    }
    const text = toldOf(statementText(node.name, statement, query, isTold(c)), (thrown) => {
      onError(`GET ${c.req.path}: ${messageOf(thrown)}`);
    });
    const body = ReadableStream.from(text).pipeThrough(new TextEncoderStream());
    return new Response(body, { headers: { "Content-Type": linesType } });
  });
}

/** Whoever reads it sees no more than that it broke off. */
async function* toldOf(
  text: AsyncIterable<string>,
  onError: (thrown: unknown) => void,
): AsyncGenerator<string> {
  try {
    yield* text;
  } catch (thrown) {
    onError(thrown);
    throw thrown;
  }
}

/** Lines, gathered: one by one they cost more to send than to read. */
async function* statementText(
  node: string,
  { parts, ...statement }: StatementView,
  query: StatementQuery,
  isTold: boolean,
): AsyncGenerator<string> {
  let text = "";
  for await (const part of parts) {
    text += `${JSON.stringify(partJson(part, node, statement, query, isTold))}\n`;
    if (part.type !== "reading" && text.length < statementPieceLength) continue;
    yield text;
    text = "";
  }
  yield text;
}

function partJson(
  part: StatementPart,
  node: string,
  { currency, atMs }: Omit<StatementView, "parts">,
  { account, fromMs, toMs }: StatementQuery,
  isTold: boolean,
): StatementLineJson {
  switch (part.type) {
    case "reading":
      return part;
    case "opening":
      return {
        ...{ type: part.type, node, account, currency },
        from: fromMs === undefined ? undefined : timeJson(fromMs),
        to: toMs === undefined ? undefined : timeJson(toMs),
        at: timeJson(atMs),
        balance: part.balance.toString(),
      };
    case "opened":
      return { type: part.type, posted: timeJson(part.postedMs), ...amountsJson(part) };
    case "payment":
      return {
        type: part.type,
        posted: timeJson(part.postedMs),
        decided: timeJson(part.decidedMs),
        payment: part.payment,
        accounts: [...part.others],
        ...amountsJson(part),
        forced: part.isForced ? true : undefined,
        ...toldJson(part.told, isTold),
      };
    case "closing":
      return {
        type: part.type,
        at: timeJson(Math.min(toMs ?? atMs, atMs)),
        balance: part.balance.toString(),
        debits: part.debits.toString(),
        credits: part.credits.toString(),
        lines: part.lines,
      };
    default:
      return part satisfies never;
  }
}

function amountsJson({ amount, balance }: { readonly amount: bigint; readonly balance: bigint }) {
  return { amount: amount.toString(), balance: balance.toString() };
}

function timeJson(ms: number): string {
  return new Date(ms).toISOString();
}

const openingSchema = z.object({
  type: z.literal("opening"),
  node: z.string().openapi({ description: "Whose account it is" }),
  account: z.string(),
  currency: z.string(),
  from: timeSchema.optional(),
  to: timeSchema.optional(),
  at: timeSchema.openapi({ description: "What was posted after this is not in the statement" }),
  balance: digitsSchema.openapi({ description: "When the period begins" }),
});

const openedSchema = z.object({
  type: z.literal("opened"),
  posted: timeSchema,
  amount: digitsSchema,
  balance: digitsSchema,
}).openapi({ description: "The account was opened with that amount, which may be 0" });

const paymentSchema = z.object({
  type: z.literal("payment"),
  posted: timeSchema.openapi({ description: "When this node posted it, by its own clock" }),
  decided: timeSchema.openapi({
    description:
      "When it was decided, by the coordinator's clock; of one that was forced, when it " +
      "was, by this node's",
  }),
  payment: z.string(),
  accounts: z.array(z.string()).openapi({
    description: "Who was paid by a debit, who paid a credit",
  }),
  amount: digitsSchema.openapi({ description: "Negative for a debit" }),
  balance: digitsSchema.openapi({ description: "After it" }),
  forced: z.literal(true).optional().openapi({
    description: "An operator of this node has forced it to commit, whatever was decided",
  }),
  memo: z.string().optional().openapi({ description: "Only where it was told to this node" }),
  reference: z.string().optional(),
  details: toldInsteadSchema.optional(),
});

const closingSchema = z.object({
  type: z.literal("closing"),
  at: timeSchema.openapi({
    description: "When the period ends; of one that is not over yet, as of the opening",
  }),
  balance: digitsSchema.openapi({ description: "At that time" }),
  debits: digitsSchema.openapi({ description: "Their sum, as a positive amount" }),
  credits: digitsSchema.openapi({
    description: "Their sum; what the account was opened with is one of them",
  }),
  lines: z.number().int().openapi({ description: "Between opening and closing" }),
});

const readingSchema = z.object({ type: z.literal("reading"), entries: z.number().int() })
  .openapi({ description: "So many entries of the log have been read: about once a second" });

const lineSchema = z.discriminatedUnion("type", [
  openingSchema,
  openedSchema,
  paymentSchema,
  closingSchema,
  readingSchema,
]).openapi("StatementLine");
type StatementLineJson = z.infer<typeof lineSchema>;

const boundSchema = (description: string) =>
  parsed(parseTime, "a time by RFC 3339, such as 2026-05-01T00:00:00Z")
    .optional().openapi({ type: "string", format: "date-time", description });

const statementRoute = createRoute({
  method: "get",
  path: "/v1/accounts/{name}/statement",
  summary: "All that moved an account in a period",
  description:
    "JSON lines, which stream: the opening balance, what was posted, oldest first, and " +
    "the closing balance. They are of one moment, whatever is paid meanwhile: opening balance and " +
    "amounts add up to the closing balance, and without an end of the period that is what the " +
    "account had posted then. What was posted belongs to the period by this node's clock, so that " +
    "a period that is over stays as it was, and the next one begins with what it ends with. An " +
    "answer without its closing line broke off.",
  request: {
    params: z.object({ name: nameSchema }),
    query: z.strictObject({
      from: boundSchema(
        "The first moment of the period; without it, it begins with the log. Not more than " +
          `${paymentIdAheadMsMax / 60_000} minutes later than now, for clocks that differ`,
      ),
      to: boundSchema("The first moment after the period; without it, it ends now"),
    }),
  },
  responses: {
    200: { description: "The statement", content: { [linesType]: { schema: lineSchema } } },
    ...problems(400, 401, 404, 421),
  },
});
