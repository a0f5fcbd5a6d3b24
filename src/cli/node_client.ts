/** Requests to a running node. */

import { bareHost } from "../endpoint.ts";
import { messageOf } from "../errors.ts";
import { linesType } from "../http/payment_batch.ts";
import { linesOf } from "./lines.ts";
import type { NodeAddress } from "./node_address.ts";

/** What came of a request, told apart by what the node may have done with it. */
export type Reply =
  | {
    readonly type: "answered";
    readonly status: number;
    readonly body: unknown;
    readonly date?: string;
  }
  /** No connection came about, so the node certainly has not seen the request. */
  | { readonly type: "not_sent"; readonly reason: string }
  /** The node may have seen it, and acted on it; silent: it was not waited for any longer. */
  | { readonly type: "broken" | "silent"; readonly reason: string };

/** How long a look-up may take. */
export const lookUpMsMax = 10_000;

export interface Request {
  readonly method: "GET" | "POST" | "DELETE";
  /** With its query. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly timeoutMs: number;
  /** Ends the wait. */
  readonly interrupted?: AbortSignal;
}

/** Never throws. */
export async function send(node: NodeAddress, request: Request): Promise<Reply> {
  const { method, path, body, timeoutMs, interrupted } = request;
  using patience = new Patience(timeoutMs, "no answer within", interrupted);
  const init = {
    method,
    headers: { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: patience.signal,
  };
  return await reach(node, path, init, async (response) => parseJson(await response.text()));
}

export interface LinesRequest {
  /** With its query. */
  readonly path: string;
  /** JSON values, which are posted; without them the path is only asked. */
  readonly lines?: readonly string[];
  /** How long nothing may come. */
  readonly silenceMsMax: number;
  /** Ends the wait. */
  readonly interrupted?: AbortSignal;
}

/** Asks for JSON lines, and hands over each line of a good answer as it comes. Never throws. */
export async function sendLines(
  node: NodeAddress,
  { path, lines, silenceMsMax, interrupted }: LinesRequest,
  heard: (value: unknown) => void,
): Promise<Reply> {
  using patience = new Patience(silenceMsMax, "nothing came for", interrupted);
  const init = {
    method: lines === undefined ? "GET" : "POST",
    headers: { "Content-Type": linesType },
    body: lines?.join("\n"),
    signal: patience.signal,
  };
  return await reach(node, path, init, async (response) => {
    if (response.status !== 200 || response.body === null) return parseJson(await response.text());
    for await (const line of linesOf(response.body)) {
      patience.renew();
      heard(parseJson(line));
    }
  });
}

/** How long a node is waited for. */
class Patience implements Disposable {
  readonly #aborter = new AbortController();
  readonly #ms: number;
  readonly #what: string;
  #timer: ReturnType<typeof setTimeout>;
  readonly signal: AbortSignal;

  constructor(ms: number, what: string, interrupted: AbortSignal | undefined) {
    this.#ms = ms;
    this.#what = what;
    this.#timer = this.#begin();
    const { signal } = this.#aborter;
    this.signal = interrupted === undefined ? signal : AbortSignal.any([signal, interrupted]);
  }

  #begin(): ReturnType<typeof setTimeout> {
    const end = () => this.#aborter.abort(new Error(`${this.#what} ${this.#ms / 1_000} s`));
    return setTimeout(end, this.#ms);
  }

  renew(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#begin();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

async function reach(
  node: NodeAddress,
  path: string,
  init: RequestInit & {
    readonly headers: Readonly<Record<string, string>>;
    readonly signal: AbortSignal;
  },
  bodyOf: (response: Response) => Promise<unknown>,
): Promise<Reply> {
  let client: Deno.HttpClient | undefined;
  try {
    client = node.ca === undefined ? undefined : Deno.createHttpClient({ caCerts: [node.ca] });
  } catch (thrown) {
    return { type: "not_sent", reason: `--ca: ${messageOf(thrown)}` };
  }
  const refused = await probe(node.url, init.signal);
  if (refused !== undefined) {
    client?.close();
    return { type: "not_sent", reason: refused };
  }
  try {
    const response = await fetch(node.url + path, {
      ...init,
      headers: { ...init.headers, Authorization: `Bearer ${node.token}` },
      // The token is for this node only.
      redirect: "manual",
      client,
    });
    const { status, headers } = response;
    const body = await bodyOf(response);
    return { type: "answered", status, body, date: headers.get("date") ?? undefined };
  } catch (thrown) {
    const { aborted, reason } = init.signal;
    if (aborted) return { type: "silent", reason: messageOf(reason) };
    return { type: "broken", reason: reasonOf(thrown) };
  } finally {
    client?.close();
  }
}

/** Text that is no JSON is nothing: some other program answered. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Deno 2.9 says "fetch failed" and tells the rest in the cause, 2.7 tells all in the message. */
function reasonOf(thrown: unknown): string {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return messageOf(cause instanceof Error ? cause : thrown);
}

/**
 * Why nobody listens at a URL's address; nothing if somebody does.
 *
 * What `fetch` throws can't tell: where a connection is lost before the answer it sends the request
 * again on another (2.7.11 always, 2.9.6 where the first was not new), and a refusal of that second
 * one looks as if nothing had been sent.
 */
async function probe(url: string, signal: AbortSignal): Promise<string | undefined> {
  const { hostname, port, protocol } = new URL(url);
  const portDefault = protocol === "https:" ? 443 : 80;
  try {
    const connection = await Deno.connect({
      hostname: bareHost(hostname),
      port: Number(port) || portDefault,
      signal,
    });
    connection.close();
    return undefined;
  } catch (thrown) {
    return messageOf(thrown);
  }
}
