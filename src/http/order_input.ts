/** What a request to be paid, or to pay, says: in its query, under its key, in its body. */

import type { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { jsonIn, keyHeaderSchema, waitQuerySchema } from "./payment_request.ts";
import type { Fault } from "./problem.ts";
import { faultsOf, malformed, notJson, unsupportedMediaType } from "./problem.ts";

export interface OrderInput<Body> {
  readonly body: Body;
  /** How long to wait for the outcome. */
  readonly waitMs: number | undefined;
  /** `Idempotency-Key`. */
  readonly key: string | undefined;
}

/**
 * Resolves to the answer where something is wrong, the first thing that is. All is read in one go: the
 * framework's own validators follow each other, each of them asynchronous, which was a third of what HTTP
 * takes of a payment's time.
 *
 * @param faults what may be said of what is wrong
 */
export async function orderInput<Body>(
  c: Context,
  bodySchema: z.ZodType<Body>,
  faults: (error: z.ZodError) => Fault[] = faultsOf,
): Promise<OrderInput<Body> | Response> {
  const query = waitQuerySchema.safeParse(queryOf(c));
  if (!query.success) return malformed(c, faults(query.error));
  const header = keyHeaderSchema.safeParse({ [keyHeader]: c.req.header(keyHeader) });
  if (!header.success) return malformed(c, faults(header.error));
  if (!isJson(c.req.header("content-type"))) {
    return unsupportedMediaType(c, "body", "application/json");
  }
  const value = jsonIn(await c.req.text());
  if (value === undefined) return malformed(c, [notJson]);
  const body = bodySchema.safeParse(value);
  if (!body.success) return malformed(c, faults(body.error));
  return { body: body.data, waitMs: query.data.wait, key: header.data[keyHeader] };
}

const keyHeader = "idempotency-key";

/** What is there more than once, as a list: no schema takes that. */
function queryOf(c: Context): Record<string, string | string[]> {
  const named = Object.entries(c.req.queries());
  return Object.fromEntries(
    named.map(([name, values]) => [name, values.length === 1 ? values[0]! : values]),
  );
}

function isJson(type: string | undefined): boolean {
  return type !== undefined && /^application\/([\w.-]+\+)?json *(;|$)/i.test(type);
}
