/** Serves a node's HTTP API on a TCP address. */

import { bareHost, type Endpoint, formatEndpoint } from "../endpoint.ts";
import { messageOf } from "../errors.ts";
import { drainMs } from "../limits.ts";
import { createApp } from "./app.ts";
import type { AnyNodeApi } from "./node_api.ts";
import type { Problem } from "./problem.ts";

export interface ServeOptions {
  readonly hostname: string;
  /** 0: any free one. */
  readonly port: number;
  readonly token: string;
  /** Opens what only looks. */
  readonly readToken?: string;
  /** PEM. Needed, and used, unless the address counts as a loopback one. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Further names under which the server may be addressed, such as those in its certificate. */
  readonly names?: readonly string[];
  /** Whether only this machine reaches the address; by default told from the hostname. */
  readonly loopback?: boolean;
  /** How long requests under way may take to finish when the server shuts down. */
  readonly graceMs?: number;
  /** One line for the node's own log. */
  readonly onError?: (line: string) => void;
}

export interface HttpServer {
  /** `http://HOST:PORT`, or `https`; no slash at the end. */
  readonly url: string;
  /** Starts nothing new, lets requests under way finish for a while, then closes connections. */
  shutdown(): Promise<void>;
}

/**
 * @throws {TypeError} if the address is not a loopback one and there is no certificate
 * @throws {Error} if the address can't be listened on
 */
export function serveHttp(node: AnyNodeApi, options: ServeOptions): HttpServer {
  const { hostname, token, readToken, names = [], onError } = options;
  const loopback = options.loopback ?? isLoopback(hostname);
  const tls = loopback ? undefined : options.tls;
  if (!loopback && tls === undefined) {
    throw new TypeError(
      `Cannot serve HTTP on "${hostname}": an address that other machines reach needs a certificate`,
    );
  }

  let hosts: readonly string[] = [];
  const stopping = new AbortController();
  const app = createApp(node, {
    token,
    readToken,
    hosts: () => hosts,
    loopback,
    stopping: stopping.signal,
    onError,
  });
  const underWay = new RequestsUnderWay();
  const closing = new AbortController();
  const handler: Deno.ServeHandler<Deno.NetAddr> = (request, info) => {
    if (underWay.isClosed) return refuseStopping();
    underWay.add(info.completed);
    return app.fetch(request);
  };
  const listenAt = (port: number) => listen({ hostname, port }, tls, closing.signal, handler);
  const listening = new Listening(listenAt, options.port, onError);
  const { port } = listening.server.addr;
  hosts = ownNames(hostname, names).map((name) => hostWithPort(name, port));

  const graceMs = options.graceMs ?? drainMs;
  let ended: Promise<void> | undefined;
  return {
    url: `${loopback ? "http" : "https"}://${hostWithPort(addressable(hostname, names), port)}`,
    shutdown: () => {
      stopping.abort();
      return ended ??= end(listening.stop(), underWay, closing, graceMs);
    },
  };
}

/**
 * A server that listens again where it could not take a connection: out of file descriptors the runtime's
 * ends for good. The connections that it has go on meanwhile.
 */
class Listening {
  readonly #listenAt: (port: number) => Deno.HttpServer<Deno.NetAddr>;
  readonly #onError: ((line: string) => void) | undefined;
  #server: Deno.HttpServer<Deno.NetAddr>;
  #isStopped = false;

  constructor(
    listenAt: (port: number) => Deno.HttpServer<Deno.NetAddr>,
    port: number,
    onError: ((line: string) => void) | undefined,
  ) {
    this.#listenAt = listenAt;
    this.#onError = onError;
    this.#server = listenAt(port);
    this.#watch();
  }

  get server(): Deno.HttpServer<Deno.NetAddr> {
    return this.#server;
  }

  /** Begins no other; returns the last. */
  stop(): Deno.HttpServer<Deno.NetAddr> {
    this.#isStopped = true;
    return this.#server;
  }

  #watch(): void {
    // Deno 2.7 says so only once the connections that there are have ended.
    this.#server.finished.catch((thrown) => {
      if (this.#isStopped) return;
      this.#onError?.(`cannot take HTTP connections for now: ${messageOf(thrown)}`);
      this.#listenAgain(this.#server.addr.port);
    });
  }

  #listenAgain(port: number): void {
    setTimeout(() => {
      if (this.#isStopped) return;
      try {
        this.#server = this.#listenAt(port);
      } catch {
        return this.#listenAgain(port);
      }
      this.#watch();
    }, listenPauseMs);
  }
}

const listenPauseMs = 500;

async function end(
  server: Deno.HttpServer,
  underWay: RequestsUnderWay,
  closing: AbortController,
  graceMs: number,
): Promise<void> {
  const late = Promise.withResolvers<"late">();
  const timer = setTimeout(() => late.resolve("late"), graceMs);
  if (await Promise.race([underWay.close(), late.promise]) === "late") {
    closing.abort();
    await server.finished.catch(() => {});
  } else {
    // Unlike the signal it sends answers to their end, but waits for a client that stalls in its
    // headers (Deno 2.7.11), and after it the signal throws: such a connection is left behind.
    server.unref();
    await Promise.race([server.shutdown().catch(() => {}), late.promise]);
  }
  clearTimeout(timer);
}

/** Counts requests until they are answered. */
class RequestsUnderWay {
  #count = 0;
  #none: (() => void) | undefined;

  get isClosed(): boolean {
    return this.#none !== undefined;
  }

  /** `completed` settles when there is an answer, or when the connection has failed. */
  add(completed: Promise<void>): void {
    this.#count++;
    const end = () => {
      if (--this.#count === 0) this.#none?.();
    };
    completed.then(end, end);
  }

  /** Takes no more, and ends when none is left. */
  close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#none = resolve;
    if (this.#count === 0) resolve();
    return promise;
  }
}

/** The request did not reach the app. Of a payment that it names this says nothing. */
function refuseStopping(): Response {
  const problem = {
    type: "about:blank",
    title: "Service Unavailable",
    status: 503,
    detail: "This node is stopping, and did nothing of what was asked",
    code: "stopping",
  } satisfies Problem;
  const headers = { "Content-Type": "application/problem+json", "Retry-After": "1" };
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

/** Whether a listener on `hostname` is reached from its own machine only. */
export function isLoopback(hostname: string): boolean {
  const bare = bareHost(hostname).toLowerCase();
  return bare === "localhost" || bare === "::1" || /^127\.\d+\.\d+\.\d+$/.test(bare);
}

function listen(
  { hostname, port }: Endpoint,
  tls: ServeOptions["tls"],
  signal: AbortSignal,
  handler: Deno.ServeHandler<Deno.NetAddr>,
): Deno.HttpServer<Deno.NetAddr> {
  const common = { hostname: bareHost(hostname), port, signal, onListen: () => {} };
  try {
    return tls ? Deno.serve({ ...common, ...tls }, handler) : Deno.serve(common, handler);
  } catch (thrown) {
    const address = hostWithPort(hostname, port);
    throw new Error(`Cannot serve HTTP on "${address}": ${messageOf(thrown)}`, { cause: thrown });
  }
}

const unspecified: readonly string[] = ["0.0.0.0", "::", "[::]"];
const ownMachine: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

/** Names under which the server is itself: never "any", or other sites' pages could be it too. */
function ownNames(hostname: string, names: readonly string[]): string[] {
  const reachedLocally = isLoopback(hostname) || unspecified.includes(hostname);
  return [hostname, ...names, ...(reachedLocally ? ownMachine : [])];
}

/**
 * Something to connect to, where the server listens on every address. Commands on this machine are the ones
 * that read it: a node's own name need not resolve there, while local ones do.
 */
function addressable(hostname: string, names: readonly string[]): string {
  if (!unspecified.includes(hostname)) return hostname;
  const isHeard = (name: string) => hostname !== "0.0.0.0" || !name.includes(":");
  const local = names.find((name) => isLoopback(name) && isHeard(name));
  return local ?? names[0] ?? "localhost";
}

/** In lower case, as browsers write it. */
function hostWithPort(hostname: string, port: number): string {
  return formatEndpoint({ hostname, port }).toLowerCase();
}
