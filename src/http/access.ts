/** Who may ask: the server's own host names, the API's tokens, and the role of the node asked. */

import type { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import type { Context, MiddlewareHandler } from "hono";
import { invariant } from "../errors.ts";
import type { CoordinatorApi } from "./node_api.ts";
import { methodNotAllowed, problem } from "./problem.ts";

/**
 * Refuses requests for hosts that are not the server's own. Else a page of another site, whose
 * name was made to resolve to this address, could read what is open on a loopback address.
 */
export function ownHostOnly(hosts: () => readonly string[]): MiddlewareHandler {
  return async (c, next) => {
    if (hosts().includes(hostOf(c))) return await next();
    return problem(c, 421, "misdirected", "The Host of this request is not one of this server's");
  };
}

/** As `HOST:PORT`; HTTP/2 has it in the URL's authority, and the scheme's own port is left out. */
function hostOf(c: Context): string {
  const host = (c.req.header("host") ?? new URL(c.req.url).host).toLowerCase();
  if (/:\d+$/.test(host)) return host;
  return `${host}:${c.req.url.startsWith("https:") ? 443 : 80}`;
}

/** Demands `Authorization: Bearer TOKEN` (RFC 6750) for every path that `isOpen` does not name. */
export function tokenRequired(
  { token, readToken }: { readonly token: string; readonly readToken?: string },
  isOpen: (path: string) => boolean,
): MiddlewareHandler {
  invariant(token !== "" && readToken !== "", "an empty token would let everyone in");
  const encoder = new TextEncoder();
  const expected = encoder.encode(token);
  const expectedToRead = readToken === undefined ? undefined : encoder.encode(readToken);
  return async (c, next) => {
    if (isOpen(c.req.path)) return await next();
    const text = /^Bearer +([!-~]+) *$/i.exec(c.req.header("authorization") ?? "")?.[1];
    if (text === undefined) return unauthorized(c, false);
    const given = encoder.encode(text);
    if (isSame(given, expected)) return await next();
    if (expectedToRead === undefined || !isSame(given, expectedToRead)) {
      return unauthorized(c, true);
    }
    c.set(onlyReads, true);
    if (readingMethods.includes(c.req.method)) return await next();
    return readsOnly(c, `${c.req.method} needs`);
  };
}

const onlyReads = "onlyReads";
const readingMethods: readonly string[] = ["GET", "HEAD"];

/** Whether what payments tell may be shown to who asks: not with the token that only looks. */
export function isTold(c: Context): boolean {
  return c.get(onlyReads) !== true;
}

/** @param what such as "POST needs" */
export function readsOnly(c: Context, what: string) {
  const detail =
    `This is the token that only looks, from the file token.read: ${what} the one in ` +
    "the file token of the node's data folder";
  return problem(c, 403, "token_reads_only", detail, {
    headers: { "WWW-Authenticate": `${challenge}, error="insufficient_scope"` },
  });
}

/** How long it takes tells no more than whether the lengths are the same, and a token's is no secret. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

const challenge = 'Bearer realm="handfast"';

function unauthorized(c: Context, tokenGiven: boolean) {
  const detail = tokenGiven
    ? "This is not the node's token; it is in the file token of its data folder"
    : "Send the node's token, from the file token of its data folder, or from token.read to look " +
      "only, as Authorization: Bearer";
  return problem(c, 401, "unauthorized", detail, {
    headers: { "WWW-Authenticate": tokenGiven ? `${challenge}, error="invalid_token"` : challenge },
  });
}

/**
 * Answers what only participants take: a coordinator keeps no accounts, so nothing can be paid from or
 * opened at it, and nothing is in doubt.
 *
 * @param allowed what the paths take at a coordinator
 */
export function refuseRoutes(
  app: OpenAPIHono,
  node: CoordinatorApi,
  routes: readonly ReturnType<typeof createRoute>[],
  allowed: readonly string[] = [],
): void {
  const detail = `${node.name} is a coordinator: send this to a participant`;
  for (const route of routes) {
    app.openAPIRegistry.registerPath(route);
    app.on(route.method, route.getRoutingPath(), (c) => methodNotAllowed(c, allowed, detail));
  }
}
