/** Lists that a node answers in pages, shown as one. */

import { z } from "zod";
import { answerOf, lookUp, printBody, refusal } from "./api.ts";
import type { Arguments } from "./arguments.ts";
import { exitCode } from "./exit_code.ts";
import type { Io } from "./io.ts";
import { findNode } from "./node_address.ts";
import type { Style } from "./style.ts";

/** What to ask for. */
export interface List<T> {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** As what a page has its items. */
  readonly name: string;
  readonly item: z.ZodType<T>;
  /** Items at most; without it all there are. */
  readonly limit?: number;
  /** Items of one page at most. */
  readonly pageLimit: number;
  /** Path of what the items are of: a list may be empty as there is no such thing. */
  readonly of?: string;
}

/**
 * Asks the node that the flags name for pages until there are no more, or enough: one may have fewer items
 * than were asked for. Prints them as one answer; resolves to the exit code.
 *
 * @param lines of the items, and whether there are more
 */
export async function showList<T>(
  args: Arguments,
  io: Io,
  { path, query = {}, name, item, limit = Infinity, pageLimit, of }: List<T>,
  lines: (items: readonly T[], hasMore: boolean, style: Style) => readonly string[],
): Promise<number> {
  const node = await findNode(args);
  const schema = z.object({ [name]: z.array(item), next: z.string().optional() });
  const items: T[] = [];
  /** As the node gave them, with what this program does not know. */
  const bodies: Record<string, unknown>[] = [];
  let next: string | undefined;
  do {
    const parameters = new URLSearchParams(query);
    parameters.set("limit", `${Math.min(limit - items.length, pageLimit)}`);
    if (next !== undefined) parameters.set("cursor", next);
    const reply = await lookUp(node, { method: "GET", path: `${path}?${parameters}` });
    let page;
    try {
      page = answerOf(node, reply, schema);
    } catch (thrown) {
      if (args.is("json")) printBody(reply, io);
      throw thrown;
    }
    items.push(...page[name] as T[]);
    next = page.next as string | undefined;
    if (reply.type === "answered") bodies.push(reply.body as Record<string, unknown>);
  } while (next !== undefined && items.length < limit);
  if (of !== undefined && items.length === 0) {
    const reply = await lookUp(node, { method: "GET", path: of });
    if (reply.type === "answered" && reply.status === 404) {
      if (args.is("json")) printBody(reply, io);
      throw new Error(refusal(node, reply.status, reply.body));
    }
  }
  if (args.is("json")) {
    io.out(JSON.stringify({ ...bodies.at(-1), [name]: bodies.flatMap((body) => body[name]) }));
  } else for (const line of lines(items, next !== undefined, io.style)) io.out(line);
  return exitCode.done;
}
