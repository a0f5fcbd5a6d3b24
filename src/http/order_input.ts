/** What a request to pay, or to be paid, says: in its query, under its key, in its body. */

import type { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { jsonIn, keyHeaderSchema, waitQuerySchema } from "./payment_request.ts";
import type { Fault } from "./problem.ts";
import {
  faultsOf,
  malformed,
  notJson,
  notUtf8,
  repeatedFaults,
  replacement,
  unsupportedMediaType,
} from "./problem.ts";

/** Of a route by which payments are ordered. */
export const orderRequest = <Body extends z.ZodType>(bodySchema: Body) => ({
  query: waitQuerySchema,
  headers: keyHeaderSchema,
  body: { required: true, content: { [jsonType]: { schema: bodySchema } } },
});

const jsonType = "application/json";

/**
 * Checks and reads it in one go; resolves to the answer where something is wrong, the first thing that is.
 * The framework's own validators go one after the other, each of them asynchronous, which took a third of
 * the time that a request costs besides its payment.
 *
 * @param faults what may be said of what is wrong
 */
export async function orderInput<Body extends z.ZodType>(
  c: Context,
  { query: querySchema, headers: headersSchema, body: bodyIn }: ReturnType<
    typeof orderRequest<Body>
  >,
  faults: (error: z.ZodError) => Fault[] = faultsOf,
) {
  const query = querySchema.safeParse(queryOf(c));
  if (!query.success) return malformed(c, repeatedFaults(c, query.error) ?? faults(query.error));
  const headers = headersSchema.safeParse({ [keyHeader]: c.req.header(keyHeader) });
  if (!headers.success) return malformed(c, faults(headers.error));
  const type = c.req.header("content-type") ?? "";
  if (type !== "" && !isJson(type)) return unsupportedMediaType(c, "body", jsonType);
  // One that breaks off is no JSON either.
  const text = await c.req.text().catch(() => "");
  if (type === "" && text !== "") return unsupportedMediaType(c, "body", jsonType);
  if (text.includes(replacement)) return malformed(c, [notUtf8]);
  const value = type === "" ? {} : jsonIn(text);
  if (value === undefined) return malformed(c, [notJson]);
  const body = bodyIn.content[jsonType]!.schema.safeParse(value);
  if (!body.success) return malformed(c, faults(body.error));
  return { body: body.data, waitMs: query.data.wait, key: headers.data[keyHeader] };
}

const keyHeader = "idempotency-key";

/** What is there more than once, as a list: no schema takes that. */
function queryOf(c: Context): Record<string, string | string[]> {
  const named = Object.entries(c.req.queries());
  return Object.fromEntries(
    named.map(([name, values]) => [name, values.length === 1 ? values[0]! : values]),
  );
}

/** As all other routes take it: parameters have values. */
function isJson(type: string): boolean {
  return /^application\/([a-z.-]+\+)?json(;\s*[a-z0-9-]+=[^;]+)*$/i.test(type);
}
