/** Errors as problem details (RFC 9457), and what the schemas say against a request in words. */

import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { shortened } from "../errors.ts";

export const problemSchema = z.object({
  type: z.string().openapi({ example: "about:blank" }),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z.string().openapi({ description: "What went wrong, for programs" }),
  field: z.string().optional().openapi({
    description: "The part of the request that is malformed",
  }),
  id: z.string().optional().openapi({ description: "The payment" }),
  payment: z.string().optional().openapi({
    description: "The id of the payment for which an id or an Idempotency-Key was used before",
  }),
  state: z.enum(["aborted", "committed", "rejected", "not_started", "unknown"]).optional().openapi({
    description:
      "Of the payment: aborted for good; committed, though this node's log has lost it; rejected, as this request was not taken on; " +
      "not_started, so the same id may be sent again; unknown, so ask for it by its id",
  }),
}).openapi("Problem");

export type Problem = z.infer<typeof problemSchema>;
export type ProblemStatus = keyof typeof titles;

/** The reason phrases of RFC 9110: with `about:blank` the title says no more than the status. */
const titles = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  421: "Misdirected Request",
  422: "Unprocessable Content",
  500: "Internal Server Error",
  503: "Service Unavailable",
} as const;

/** What a problem says beyond its status; `headers` go to the response. */
export interface ProblemParts extends Pick<Problem, "field" | "id" | "payment" | "state"> {
  readonly headers?: Readonly<Record<string, string>>;
}

export function problem<S extends ProblemStatus>(
  c: Context,
  status: S,
  code: string,
  detail: string,
  { headers, ...members }: ProblemParts = {},
) {
  return sendProblem(c, status, problemBody(status, code, detail, members), headers);
}

export function sendProblem<S extends ProblemStatus>(
  c: Context,
  status: S,
  body: Problem,
  headers?: ProblemParts["headers"],
) {
  return c.json(body, status, { ...headers, "Content-Type": "application/problem+json" });
}

export function problemBody(
  status: ProblemStatus,
  code: string,
  detail: string,
  members: Omit<ProblemParts, "headers"> = {},
): Problem {
  return { type: "about:blank", title: titles[status], status, detail, code, ...members };
}

export function methodNotAllowed(c: Context, allowed: readonly string[], detail: string) {
  return problem(c, 405, "method_not_allowed", detail, { headers: { Allow: allowed.join(", ") } });
}

export function malformed(c: Context, faults: readonly Fault[]) {
  return sendProblem(c, 400, malformedBody(faults));
}

export function unsupportedMediaType(c: Context, what: string, type: string) {
  const detail = `Send the ${what} with Content-Type: ${type}`;
  return problem(c, 415, "unsupported_media_type", detail);
}

/** 400, naming every field that is wrong, the first of them also as `field`. */
export function malformedBody(faults: readonly Fault[]): Problem {
  return problemBody(400, "malformed", faultsText(faults), { field: faults[0]?.field });
}

export interface Fault {
  /** Where, as in `legs[0].amount`. */
  readonly field: string;
  readonly reason: string;
}

export function faultsText(faults: readonly Fault[]): string {
  return faults.map(({ field, reason }) => `${field}: ${reason}`).join("; ");
}

/** Of a body, or of a line of one. */
export const notJson: Fault = { field: "body", reason: "must be JSON" };

/** What stands for bytes that are no UTF-8, once they are text: what was meant is not known any more. */
export const replacement = "\ufffd";
export const notUtf8: Fault = { field: "body", reason: "must be UTF-8" };

/** Faults named in one problem; a request of 64 wrong legs need not be answered with all. */
const faultsMax = 5;

export function faultsOf(error: z.ZodError): Fault[] {
  return error.issues.flatMap(faultsOfIssue).slice(0, faultsMax);
}

/** Of what the query has more than once, for which the schemas have no words; nothing where that is none. */
export function repeatedFaults(c: Context, error: z.ZodError): Fault[] | undefined {
  const given = c.req.queries();
  const names = error.issues
    .filter(({ code }) => code !== "unrecognized_keys")
    .map(({ path }) => String(path[0]))
    .filter((name) => (given[name]?.length ?? 0) > 1);
  if (names.length === 0) return undefined;
  return names.map((field) => ({ field, reason: "must be given once" }));
}

/** The hook of routes that take secrets. */
export function secretHook(
  result: { readonly success: true } | { readonly success: false; readonly error: z.ZodError },
  c: Context,
) {
  return result.success ? undefined : malformed(c, secretFaultsOf(result.error));
}

/** Where the request holds secrets: nothing of it comes back, wherever it stood. */
export function secretFaultsOf(error: z.ZodError): Fault[] {
  return error.issues.map(secretFaultOf).slice(0, faultsMax);
}

function secretFaultOf(issue: Issue): Fault {
  const field = fieldName(issue.path);
  if (issue.code === "unrecognized_keys") {
    return { field, reason: "holds a field that is not of this request" };
  }
  const expected: unknown = issue.code === "custom" ? issue.params?.expected : undefined;
  return { field, reason: typeof expected === "string" ? `must be ${expected}` : issue.message };
}

type Issue = z.ZodError["issues"][number];

function faultsOfIssue(issue: Issue): Fault[] {
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    return nearestForm(issue.errors).flatMap(faultsOfIssue);
  }
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      field: fieldName([...issue.path, key]),
      reason: "is not a field of this request",
    }));
  }
  return [{ field: fieldName(issue.path), reason: issue.message }];
}

/** Of the forms that a body may have, the one it was meant to be: most of its fields are known. */
function nearestForm(forms: Issue[][]): Issue[] {
  return forms.reduce((best, form) => unknownFields(form) < unknownFields(best) ? form : best);
}

function unknownFields(issues: Issue[]): number {
  return issues.reduce(
    (sum, issue) =>
      issue.code === "unrecognized_keys" && issue.path.length === 0 ? sum + issue.keys.length : sum,
    0,
  );
}

/** A key comes from the request, so it may be of any length. */
function fieldName(path: readonly PropertyKey[]): string {
  const name = path.map((part) =>
    typeof part === "number" ? `[${part}]` : `.${shortened(String(part))}`
  );
  return name.join("").replace(/^\./, "") || "body";
}

interface ProblemResponse {
  readonly description: string;
  readonly content: {
    readonly "application/problem+json": { readonly schema: typeof problemSchema };
  };
}

/** The part of a route's description that says which problems it answers with. */
export function problems<S extends ProblemStatus>(
  ...statuses: readonly S[]
): Record<S, ProblemResponse> {
  const responses = statuses.map((status): [S, ProblemResponse] => [status, {
    description: titles[status],
    content: { "application/problem+json": { schema: problemSchema } },
  }]);
  return Object.fromEntries(responses) as Record<S, ProblemResponse>;
}
