/** Requests to a running node whose answer is shown, or whose failure is told. */

import type { z } from "zod";
import type { Arguments } from "./arguments.ts";
import { exitCode } from "./exit_code.ts";
import type { Io } from "./io.ts";
import { findNode } from "./node_address.ts";
import type { NodeAddress } from "./node_address.ts";
import { lookUpMsMax, send } from "./node_client.ts";
import type { Reply, Request } from "./node_client.ts";
import type { Style } from "./style.ts";
import { problemIn, statusAnswer } from "./answers.ts";

/** Asks the node that the flags name, and prints what it answers; resolves to the exit code. */
export async function show<T>(
  args: Arguments,
  io: Io,
  request: Omit<Request, "timeoutMs">,
  schema: z.ZodType<T>,
  lines: (answer: T, style: Style) => readonly string[],
): Promise<number> {
  const node = await findNode(args);
  const reply = await lookUp(node, request);
  if (args.is("json")) printBody(reply, io);
  const answer = answerOf(node, reply, schema);
  if (!args.is("json")) { for (const line of lines(answer, io.style)) io.out(line); }
  return exitCode.done;
}

export function lookUp(node: NodeAddress, request: Omit<Request, "timeoutMs">) {
  return send(node, { ...request, timeoutMs: lookUpMsMax });
}

/** The name of the node asked; nothing where it does not tell. */
export async function nameOf(node: NodeAddress): Promise<string | undefined> {
  const reply = await lookUp(node, { method: "GET", path: "/v1/status" });
  if (reply.type !== "answered") return undefined;
  return statusAnswer.pick({ name: true }).safeParse(reply.body).data?.name;
}

/** The answer in one line of JSON, refusals too, as the node gave it. */
export function printBody(reply: Reply, io: Io): void {
  if (reply.type === "answered" && reply.body !== undefined) io.out(JSON.stringify(reply.body));
}

/** @throws {Error} in words, where there is no answer of that shape */
export function answerOf<T>(node: NodeAddress, reply: Reply, schema: z.ZodType<T>): T {
  if (reply.type !== "answered") throw new Error(unreached(node, reply.reason));
  if (reply.status >= 200 && reply.status < 300) {
    const { data } = schema.safeParse(reply.body);
    if (data !== undefined) return data;
  }
  throw new Error(refusal(node, reply.status, reply.body));
}

export function unreached(node: NodeAddress, reason: string): string {
  const remedy = /certificate|tls/i.test(reason) && node.ca === undefined
    ? "for a node with HTTPS give the network's CA by --ca FILE"
    : "is the node running?";
  return `cannot reach ${node.url} (by ${node.source}): ${reason}; ${remedy}`;
}

/** What the node has to say against a request. */
export function refusal(node: NodeAddress, status: number, body: unknown): string {
  const problem = problemIn(body);
  if (problem === undefined) {
    return `${node.url} (by ${node.source}) answered ${status}, not as a node does: is it one?`;
  }
  // It names what programs ask.
  return problem.detail?.replace("GET /v1/cards", '"handfast card list"') ??
    `${node.url} answered ${status} (${problem.code})`;
}
