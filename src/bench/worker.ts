/**
 * A node under load, as a process of its own: told what to do by lines of JSON on stdin, and answering
 * each by one on stdout.
 */

import process from "node:process";
import { TextLineStream } from "@std/streams/text-line-stream";
import type { NodeStatus } from "../http/node_api.ts";
import { ParticipantNode } from "../node/participant_node.ts";
import type { NodeOptions, RunningNode } from "../node/run.ts";
import { startNode } from "../node/run.ts";
import type { LoadResult, Pressure, Workload } from "./load.ts";
import { accountName, currency, Load, opening } from "./load.ts";

export type NodeSettings = Omit<NodeOptions, "open" | "logLevel">;

export type Command =
  | { readonly do: "start"; readonly node: NodeSettings; readonly accounts: number }
  | { readonly do: "load"; readonly workload: Workload; readonly pressure: Pressure }
  | { readonly do: "look" }
  | { readonly do: "stop" };

export interface Started {
  /** `HOST:PORT` for links. */
  readonly listen: string;
  readonly url: string;
  /** From the start to readiness. */
  readonly ms: number;
}

/** A node as it is when nothing is under way. */
export interface Look {
  /** Of its log. */
  readonly entries: number;
  /** Since it was started. */
  readonly written: NodeStatus["written"];
  readonly committed: number;
  /** Of the process since it began, user and system. */
  readonly cpuUs: number;
  readonly residentBytes: number;
  readonly open: number;
  /** Minor units; strings, as JSON has no integers of this size. */
  readonly accounts: string;
  readonly settlement: string;
  /** The books add up to zero, and no user's account is below. */
  readonly isSound: boolean;
}

export interface Answers {
  readonly start: Started;
  readonly load: LoadResult;
  readonly look: Look;
  readonly stop: null;
}

/** Serves until it is told to stop, or whoever started it is gone. */
export async function serveBench(print: (line: string) => void): Promise<void> {
  let running: RunningNode | undefined;
  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of lines) {
    const command = JSON.parse(line) as Command;
    if (command.do === "start") running = await start(command, print);
    else if (!running) throw new Error(`"${command.do}" before the start`);
    else if (command.do === "load") print(JSON.stringify(await load(running, command)));
    else if (command.do === "look") print(JSON.stringify(await look(running)));
    else break;
  }
  await running?.stop();
  print("null");
}

async function start(
  { node: settings, accounts }: Extract<Command, { do: "start" }>,
  print: (line: string) => void,
): Promise<RunningNode> {
  const startMs = performance.now();
  const say = (level: string, line: string) => console.error(`${level} ${line}`);
  const running = await startNode({ ...settings, open: [], logLevel: "warn" }, (level, line) => {
    if (level !== "info" && level !== "debug") say(level, line);
  });
  const { node, listen, url } = running;
  if (node instanceof ParticipantNode) {
    for (let from = 0; from < accounts; from += 1_000) {
      const length = Math.min(1_000, accounts - from);
      await Promise.all(
        Array.from(
          { length },
          (_, i) => node.openAccount({ account: accountName(from + i), currency, opening }),
        ),
      );
    }
    await node.linked;
  }
  const started: Started = { listen, url, ms: performance.now() - startMs };
  print(JSON.stringify(started));
  return running;
}

function load(
  { node }: RunningNode,
  { workload, pressure }: Extract<Command, { do: "load" }>,
): Promise<LoadResult> {
  if (!(node instanceof ParticipantNode)) throw new TypeError("a coordinator orders nothing");
  return new Load(node, workload).run(pressure);
}

async function look({ node }: RunningNode): Promise<Look> {
  const { user, system } = process.cpuUsage();
  const { clock, open, written, committed } = await node.status();
  const accounts = await node.accounts();
  const books = await node.books();
  const isSound = books.every((book) => book.accounts + book.settlement + book.equity === 0n) &&
    accounts.every(({ posted, pendingDebits, pendingCredits }) =>
      posted >= 0n && (open > 0 || pendingDebits + pendingCredits === 0n)
    );
  return {
    entries: clock.get(node.name) ?? 0,
    written,
    committed,
    cpuUs: user + system,
    residentBytes: Deno.memoryUsage().rss,
    open,
    accounts: String(accounts.reduce((sum, { posted }) => sum + posted, 0n)),
    settlement: String(books.reduce((sum, { settlement }) => sum + settlement, 0n)),
    isSound,
  };
}
