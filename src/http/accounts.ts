/** The routes under `/v1/accounts`. */

import { setImmediate } from "node:timers/promises";
import { createRoute, z } from "@hono/zod-openapi";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { TypedResponse } from "hono";
import { invariant } from "../errors.ts";
import { accountsLimit, amountMax } from "../limits.ts";
import { isName } from "../names.ts";
import { isCurrency } from "../protocol/money.ts";
import { reservedAccounts } from "../protocol/order.ts";
import { refuseRoutes } from "./access.ts";
import type { AccountPage, AccountView, AnyNodeApi, BookView } from "./node_api.ts";
import { problem, problems } from "./problem.ts";
import { digitsSchema, jsonOf, limitSchema, nameSchema, objectSchema, parsed } from "./schema.ts";

export function addAccountRoutes(app: OpenAPIHono, node: AnyNodeApi): void {
  app.openapi(listRoute, async (c) => {
    const { cursor: from = 0, limit = from > 0 ? accountsLimit : Infinity } = c.req.valid("query");
    const page = await accountPageAt(node, from, limit);
    const { accounts, books, count } = page;
    if (accounts.length > accountsLimit) return wholeList(page);
    const end = from + accounts.length;
    const next = end < count ? String(end) : undefined;
    return c.json({ accounts: accounts.map(accountJson), books: books.map(bookJson), next }, 200);
  });

  app.openapi(accountRoute, async (c) => {
    const { name } = c.req.valid("param");
    const account = node.role === "participant" ? await node.account(name) : undefined;
    if (account !== undefined) return c.json(accountJson(account), 200);
    return problem(c, 404, "account_not_found", `There is no account "${name}" at ${node.name}`);
  });

  if (node.role === "coordinator") return refuseRoutes(app, node, [openRoute], ["GET", "HEAD"]);
  app.openapi(openRoute, async (c) => {
    const { account: name, currency, opening = 0n } = c.req.valid("json");
    const outcome = await node.openAccount({ account: name, currency, opening });
    if (outcome === "differs") {
      const detail = `Account "${name}" exists, with another currency than ${currency}`;
      return problem(c, 409, "account_exists", detail);
    }
    const account = await node.account(name);
    invariant(account !== undefined, `account "${name}" is there once it was opened`);
    if (outcome === "existed") return c.json(accountJson(account), 200);
    return c.json(accountJson(account), 201, { Location: `/v1/accounts/${name}` });
  });
}

/** None at a coordinator. */
export async function accountPageAt(
  node: AnyNodeApi,
  from: number,
  limit: number,
): Promise<AccountPage> {
  if (node.role === "coordinator") return { accounts: [], count: 0, books: [] };
  return await node.accountPage(from, limit);
}

/** All at once, a million accounts would hold up payments for seconds: they go in pieces. */
function wholeList(page: AccountPage) {
  const body = ReadableStream.from(listText(page)).pipeThrough(new TextEncoderStream());
  const response = new Response(body, { headers: { "Content-Type": "application/json" } });
  // What it is the types can't see.
  return response as Response & TypedResponse<z.infer<typeof listSchema>, 200, "json">;
}

async function* listText({ accounts, books }: AccountPage): AsyncGenerator<string> {
  yield '{"accounts":[';
  for (let at = 0; at < accounts.length; at += accountsLimit) {
    // Everything else that is due comes first.
    await setImmediate();
    const piece = accounts.slice(at, at + accountsLimit);
    const text = piece.map((account) => JSON.stringify(accountJson(account))).join(",");
    yield at === 0 ? text : `,${text}`;
  }
  yield `],"books":${JSON.stringify(books.map(bookJson))}}`;
}

export function accountJson(view: AccountView): z.infer<typeof accountSchema> {
  return {
    account: view.account,
    currency: view.currency,
    posted: view.posted.toString(),
    pendingDebits: view.pendingDebits.toString(),
    pendingCredits: view.pendingCredits.toString(),
    available: view.available.toString(),
  };
}

function bookJson(view: BookView): z.infer<typeof bookSchema> {
  return {
    currency: view.currency,
    accounts: view.accounts.toString(),
    settlement: view.settlement.toString(),
    equity: view.equity.toString(),
  };
}

const accountSchema = z.object({
  account: z.string(),
  currency: z.string(),
  posted: digitsSchema,
  pendingDebits: digitsSchema,
  pendingCredits: digitsSchema,
  available: digitsSchema,
}).openapi("Account");

const bookSchema = z.object({
  currency: z.string(),
  accounts: digitsSchema,
  settlement: digitsSchema,
  equity: digitsSchema,
}).openapi("Book", { description: "Sums of a node's books in one currency; they add up to zero" });

const listSchema = z.object({
  accounts: z.array(accountSchema),
  books: z.array(bookSchema),
  next: z.string().optional(),
});

const newAccountSchema = objectSchema({
  account: parsed(
    (text) => isName(text) && !reservedAccounts.includes(text) ? text : undefined,
    `a name other than ${
      reservedAccounts.join(", ")
    }: a lower-case letter, then up to 30 of a-z, ` +
      "0-9 and -",
  ).openapi({ type: "string", pattern: "^[a-z][a-z0-9-]{0,30}$", example: "savings" }),
  currency: parsed(
    (text) => isCurrency(text) ? text : undefined,
    "the code of an ISO 4217 currency such as USD",
  ).openapi({ type: "string", pattern: "^[A-Z]{3}$", example: "USD" }),
  opening: parsed(
    (text) => /^\d{1,18}$/.test(text) && BigInt(text) <= amountMax ? BigInt(text) : undefined,
    `minor units from 0 to ${amountMax}`,
  ).optional().openapi({ type: "string", pattern: "^\\d{1,18}$", example: "2000000" }),
}).openapi("NewAccount");

const cursorSchema = parsed(
  (text) => /^\d{1,9}$/.test(text) ? Number(text) : undefined,
  "the next of an earlier answer",
).optional().openapi({ type: "string" });

const listRoute = createRoute({
  method: "get",
  path: "/v1/accounts",
  summary: "Accounts in the order in which they were opened, and the sums of all books by currency",
  request: {
    query: z.strictObject({
      limit: limitSchema(accountsLimit),
      cursor: cursorSchema,
    }),
  },
  responses: {
    200: jsonOf(
      "All of them, none at a coordinator; with a limit a page of them, whose next is the cursor of " +
        "the page after it, and missing where there is none",
      listSchema,
    ),
    ...problems(400, 401, 421),
  },
});

const accountRoute = createRoute({
  method: "get",
  path: "/v1/accounts/{name}",
  summary: "One account",
  request: { params: z.object({ name: nameSchema }) },
  responses: { 200: jsonOf("The account", accountSchema), ...problems(400, 401, 404, 421) },
});

const openRoute = createRoute({
  method: "post",
  path: "/v1/accounts",
  summary: "Open an account (participants only)",
  request: {
    body: { required: true, content: { "application/json": { schema: newAccountSchema } } },
  },
  responses: {
    200: jsonOf(
      "It was there already, with this currency: what it was opened with stands",
      accountSchema,
    ),
    201: jsonOf("Opened", accountSchema),
    ...problems(400, 401, 403, 405, 409, 413, 415, 421),
  },
});
