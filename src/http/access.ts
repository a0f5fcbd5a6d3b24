/** Who may ask: the server's own host names, the API token, and the role of the node asked. */

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
  token: string,
  isOpen: (path: string) => boolean,
): MiddlewareHandler {
  invariant(token !== "", "an empty token would let everyone in");
  const encoder = new TextEncoder();
  const expected = encoder.encode(token);
  return async (c, next) => {
    if (isOpen(c.req.path)) return await next();
    const given = /^Bearer +([!-~]+) *$/i.exec(c.req.header("authorization") ?? "")?.[1];
    if (given !== undefined && isSame(encoder.encode(given), expected)) return await next();
    return unauthorized(c, given !== undefined);
  };
}

/** How long it takes tells no more than whether the lengths are the same, and a token's is no secret. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function unauthorized(c: Context, tokenGiven: boolean) {
  const challenge = 'Bearer realm="handfast"';
  const detail = tokenGiven
    ? "This is not the node's token; it is in the file token of its data folder"
    : "Send the node's token, from the file token of its data folder, as Authorization: Bearer";
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
