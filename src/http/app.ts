/** A node's HTTP API and status page. */

import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import { secureHeaders } from "hono/secure-headers";
import { messageOf } from "../errors.ts";
import { paymentBatchBytesMax, requestBytesMax } from "../limits.ts";
import { ownHostOnly, tokenRequired } from "./access.ts";
import { addAccountRoutes } from "./accounts.ts";
import { addCardRoutes } from "./cards.ts";
import { addChargeRoute } from "./charges.ts";
import { Streams } from "./event_stream.ts";
import { addEventRoutes } from "./events.ts";
import { addInDoubtRoutes } from "./in_doubt.ts";
import { addMetricsRoute } from "./metrics.ts";
import { addMismatchRoutes } from "./mismatches.ts";
import type { AnyNodeApi } from "./node_api.ts";
import { addPageRoutes, pageFiles } from "./page.ts";
import { addBatchRoute, batchPath } from "./payment_batch.ts";
import { addPaymentRoutes } from "./payments.ts";
import {
  faultsOf,
  malformed,
  methodNotAllowed,
  notJson,
  problem,
  repeatedFaults,
  unsupportedMediaType,
} from "./problem.ts";
import { addRestoreRoute, restorePath } from "./restore.ts";
import { addStatementRoute } from "./statement.ts";
import { addStatusRoutes } from "./status.ts";

export interface AppOptions {
  /** For everything under `/v1`, as `Authorization: Bearer TOKEN`. */
  readonly token: string;
  /** Of what `token` opens, opens all that is asked by GET, without what payments tell. */
  readonly readToken?: string;
  /** The `HOST:PORT`s that the server answers to, in lower case; others are misdirected. */
  readonly hosts: () => readonly string[];
  /** On a loopback address the page's data needs no token. */
  readonly loopback: boolean;
  /** Ends the streams of events, which otherwise never end. */
  readonly stopping?: AbortSignal;
  /** One line for the node's own log about what no client is told. */
  readonly onError?: (line: string) => void;
}

export function createApp(node: AnyNodeApi, options: AppOptions): OpenAPIHono {
  const onError = options.onError ?? (() => {});
  const app = new OpenAPIHono({
    defaultHook: (result, c) => {
      if (result.success) return;
      const repeated = result.target === "query" ? repeatedFaults(c, result.error) : undefined;
      return malformed(c, repeated ?? faultsOf(result.error));
    },
  });

  app.use(responseHeaders);
  app.use(noStore);
  app.use(ownHostOnly(options.hosts));
  app.use(tokenRequired(options, options.loopback ? isOpenOnLoopback : isOpenAnywhere));
  const bodyOfRequest = bodyOf(requestBytesMax, "request");
  const bodyOfBatch = bodyOf(paymentBatchBytesMax, "batch");
  const isOfMany = (path: string) => path === batchPath || path === restorePath;
  app.use((c, next) => (isOfMany(c.req.path) ? bodyOfBatch : bodyOfRequest)(c, next));

  addPaymentRoutes(app, node, onError);
  addBatchRoute(app, node, onError);
  addAccountRoutes(app, node);
  addStatementRoute(app, node, onError);
  addCardRoutes(app, node);
  addChargeRoute(app, node, onError);
  addStatusRoutes(app, node);
  addInDoubtRoutes(app, node);
  addMismatchRoutes(app, node);
  addRestoreRoute(app, node);
  addMetricsRoute(app, node);
  const streams = new Streams(options.stopping);
  addEventRoutes(app, node, streams, onError);
  addPageRoutes(app, node, streams, onError);
  addDescription(app);

  app.notFound((c) => notFound(c, app));
  app.onError((thrown, c) => {
    if (thrown instanceof HTTPException) return refusedByValidator(c, thrown);
    onError(`${c.req.method} ${c.req.path}: ${messageOf(thrown)}`);
    return problem(c, 500, "internal", "This request failed; the node's own log says why");
  });
  return app;
}

// No CORS headers anywhere: other sites' pages must not read what is open on a loopback address.
const responseHeaders = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    connectSrc: ["'self'"],
    imgSrc: ["data:"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
  xFrameOptions: "DENY",
  // It would hold for all ports of the host, so also for other nodes, which speak plain HTTP.
  strictTransportSecurity: false,
  // These would change nothing for the page or the API, and each takes time with every answer.
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
  originAgentCluster: false,
  removePoweredBy: false,
});

async function noStore(c: Context, next: () => Promise<void>): Promise<void> {
  await next();
  // Hono's own `c.header` would make a response anew, with a stream of its body.
  c.res.headers.set("Cache-Control", "no-store");
}

const healthChecks: readonly string[] = ["/healthz", "/readyz"];

function isOpenAnywhere(path: string): boolean {
  return healthChecks.includes(path) || pageFiles.includes(path);
}

function isOpenOnLoopback(path: string): boolean {
  return path !== "/v1" && !path.startsWith("/v1/");
}

function bodyOf(bytesMax: number, what: string): MiddlewareHandler {
  const detail = `A ${what} may have ${bytesMax} bytes at most`;
  const refuse = (c: Context) => problem(c, 413, "too_large", detail);
  const counted = bodyLimit({ maxSize: bytesMax, onError: refuse });
  return async (c, next) => {
    // To look for a body is to make a stream of it, and that takes longer to read.
    const length = c.req.header("content-length");
    const isKnown = length !== undefined && c.req.header("transfer-encoding") === undefined;
    if (!isKnown) return await counted(c, next);
    return Number(length) <= bytesMax ? await next() : refuse(c);
  };
}

/** The two things that the validators of bodies throw. */
function refusedByValidator(c: Context, { status }: HTTPException) {
  if (status === 415) return unsupportedMediaType(c, "body", "application/json");
  return malformed(c, [notJson]);
}

function notFound(c: Context, app: OpenAPIHono) {
  const methods = methodsOf(app, c.req.path);
  if (methods.length === 0) return problem(c, 404, "not_found", "There is nothing at this path");
  return methodNotAllowed(c, methods, `This path takes ${methods.join(", ")}`);
}

function methodsOf(app: OpenAPIHono, path: string): string[] {
  const methods = app.routes
    .filter((route) => route.method !== "ALL" && patternOf(route.path).test(path))
    .flatMap(({ method }) => method === "GET" ? ["GET", "HEAD"] : [method]);
  return [...new Set(methods)];
}

function patternOf(route: string): RegExp {
  const pattern = route.replaceAll(".", "\\.").replaceAll(/:[a-z]+/g, "[^/]+");
  return new RegExp(`^${pattern}$`);
}

function addDescription(app: OpenAPIHono): void {
  const bearer = (name: string, description: string) => {
    const scheme = { type: "http", scheme: "bearer", description } as const;
    return app.openAPIRegistry.registerComponent("securitySchemes", name, scheme).name;
  };
  const all = { [bearer("token", "From the file token of the data folder: opens everything")]: [] };
  const looks = {
    [bearer("readToken", "From the file token.read: opens GET, without memos and references")]: [],
  };
  app.get("/openapi.json", (c) => {
    const description = app.getOpenAPI31Document({
      openapi: "3.1.0",
      info: {
        title: "Handfast",
        version: "1",
        description: "Payments between separately owned ledgers, all or nothing. Amounts are " +
          "strings of digits in minor units.",
      },
      security: [all],
    });
    for (const { get } of Object.values(description.paths ?? {})) {
      if (get) get.security = [all, looks];
    }
    return c.json(description);
  });
}
