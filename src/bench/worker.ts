/**
 * A node under load, or a client that loads one over HTTP, as a process of its own: told what to do by
 * lines of JSON on stdin, and answering each by one on stdout.
 */

import process from "node:process";
import { TextLineStream } from "@std/streams/text-line-stream";
import type { NodeStatus } from "../http/node_api.ts";
import { ParticipantNode } from "../node/participant_node.ts";
import type { NodeOptions, RunningNode } from "../node/run.ts";
import { startNode } from "../node/run.ts";
import type { LoadResult, Pressure } from "./load.ts";
import { Load } from "./load.ts";
import { ResidentMemory } from "./memory.ts";
import type { Api, Payer } from "./payer.ts";
import { byBatch, inProcess, overHttp } from "./payer.ts";
import type { Workload } from "./workload.ts";
import { accountName, currency, opening } from "./workload.ts";

type NodeSettings = Omit<NodeOptions, "open" | "logLevel">;

export type Command =
  | { readonly do: "start"; readonly node: NodeSettings; readonly accounts: number }
  | {
    /** Begins load, which goes on until its end is asked for. */
    readonly do: "load";
    readonly workload: Workload;
    readonly pressure: Pressure;
    /** Of the node to be loaded; nothing: the node of this process. */
    readonly api?: Api;
  }
  | { readonly do: "take" }
  | { readonly do: "end" }
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

/** Of the time since it was last taken. */
export interface Taken {
  /** Of load from this process. */
  readonly load?: LoadResult;
  /** Of the process since it began, user and system. */
  readonly cpuUs: number;
  /** On average. */
  readonly residentBytes: number;
}

export interface Answers {
  readonly start: Started;
  readonly load: null;
  readonly take: Taken;
  readonly end: null;
  readonly look: Look;
  readonly stop: null;
}

/** Serves until it is told to stop, or whoever started it is gone. */
export async function serveBench(print: (line: string) => void): Promise<void> {
  let running: RunningNode | undefined;
  let load: Load | undefined;
  const memory = new ResidentMemory();
  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  const answer = (value: Answers[keyof Answers]) => print(JSON.stringify(value));
  for await (const line of lines) {
    const command = JSON.parse(line) as Command;
    if (command.do === "stop") break;
    switch (command.do) {
      case "start": {
        const startMs = performance.now();
        running = await start(command);
        const { listen, url } = running;
        answer({ listen, url, ms: performance.now() - startMs });
        break;
      }
      case "load":
        load = new Load(payerOf(command, running), command.workload);
        load.begin(command.pressure);
        answer(null);
        break;
      case "take":
        answer({ load: load?.take(), cpuUs: cpuUs(), residentBytes: memory.take() });
        break;
      case "end":
        await load?.end();
        load = undefined;
        answer(null);
        break;
      case "look":
        answer(await look(nodeOf(running)));
        break;
      default:
        command satisfies never;
    }
  }
  await load?.end();
  await running?.stop();
  answer(null);
}

async function start(
  { node: settings, accounts }: Extract<Command, { do: "start" }>,
): Promise<RunningNode> {
  const say = (level: string, line: string) => console.error(`${level} ${line}`);
  const running = await startNode({ ...settings, open: [], logLevel: "warn" }, (level, line) => {
    if (level !== "info" && level !== "debug") say(level, line);
  });
  const { node } = running;
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
  return running;
}

function payerOf(
  { api, pressure }: Extract<Command, { do: "load" }>,
  running: RunningNode | undefined,
): Payer {
  if (api) return pressure.isBatch ? byBatch(api) : overHttp(api);
  const { node } = nodeOf(running);
  if (!(node instanceof ParticipantNode)) throw new TypeError("a coordinator orders nothing");
  return inProcess(node);
}

function nodeOf(running: RunningNode | undefined): RunningNode {
  if (running) return running;
  throw new Error("no node was started in this process");
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

async function look({ node }: RunningNode): Promise<Look> {
  const { clock, open, written, committed } = await node.status();
  const isParticipant = node.role === "participant";
  const accounts = isParticipant ? await node.accounts() : [];
  const books = isParticipant ? await node.books() : [];
  const isSound = books.every((book) => book.accounts + book.settlement + book.equity === 0n) &&
    accounts.every(({ posted, pendingDebits, pendingCredits }) =>
      posted >= 0n && (open > 0 || pendingDebits + pendingCredits === 0n)
    );
  return {
    entries: clock.get(node.name) ?? 0,
    written,
    committed,
    cpuUs: cpuUs(),
    residentBytes: Deno.memoryUsage().rss,
    open,
    accounts: String(accounts.reduce((sum, { posted }) => sum + posted, 0n)),
    settlement: String(books.reduce((sum, { settlement }) => sum + settlement, 0n)),
    isSound,
  };
}
