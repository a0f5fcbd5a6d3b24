import { linesOf } from "../../src/cli/lines.ts";
import { run } from "../../src/cli/mod.ts";
import { plainStyle } from "../../src/cli/style.ts";
import { bytesOf } from "../../src/cli/io.ts";
import type { Io } from "../../src/cli/io.ts";

export interface Recorded {
  readonly exit: number;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

/** Runs a command line as without a terminal, and keeps what it says. */
export function record(...argv: string[]): Promise<Recorded> {
  return recordWith({}, argv);
}

/** As without a terminal, with something on stdin. */
export function recordReading(stdin: string, ...argv: string[]): Promise<Recorded> {
  return recordWith({ stdin }, argv);
}

/** As without a terminal, with something on stdin; `err` has each line as soon as it is said. */
export function recordLive(err: string[], stdin: string, ...argv: string[]): Promise<Recorded> {
  return recordWith({ stdin, err }, argv);
}

/** As without a terminal, with bytes on stdin, and what it writes of bytes to stdout. */
export async function recordBytes(
  stdin: Uint8Array<ArrayBuffer>,
  ...argv: string[]
): Promise<Recorded & { readonly bytes: Uint8Array }> {
  const written: number[] = [];
  const recorded = await recordWith({ stdin, written }, argv);
  return { ...recorded, bytes: Uint8Array.from(written) };
}

/** As at a terminal, where a person types secrets one after the other; the questions are kept. */
export function recordTyping(secrets: readonly string[], ...argv: string[]): Promise<Recorded> {
  return recordWith({ isTerminal: true, secrets }, argv);
}

/** As at a terminal, where a person answers what is asked; the questions are kept among the errors. */
export function recordAnswering(answer: boolean, ...argv: string[]): Promise<Recorded> {
  return recordWith({ isTerminal: true, answer }, argv);
}

/** As where somebody watches stderr, and stdout goes to a file. */
export function recordWatched(...argv: string[]): Promise<Recorded> {
  return recordWith({ isWatched: true }, argv);
}

/** As where the disk is full that stdout goes to. */
export function recordFull(...argv: string[]): Promise<Recorded> {
  return recordWith({ isFull: true }, argv);
}

/** As where somebody watches stderr, and closes the terminal after the first line. */
export function recordLeft(...argv: string[]): Promise<Recorded> {
  return recordWith({ isWatched: true, hasLeft: true }, argv);
}

interface Person {
  readonly hasLeft?: boolean;
  readonly isFull?: boolean;
  readonly isTerminal?: boolean;
  readonly isWatched?: boolean;
  readonly answer?: boolean;
  readonly stdin?: string | Uint8Array<ArrayBuffer>;
  /** Takes bytes for stdout. */
  readonly written?: number[];
  /** Takes lines for stderr. */
  readonly err?: string[];
  readonly secrets?: readonly string[];
}

async function recordWith(
  {
    isTerminal = false,
    isWatched = false,
    isFull = false,
    hasLeft = false,
    answer = false,
    stdin = "",
    written = [],
    err = [],
    secrets = [],
  }: Person,
  argv: readonly string[],
): Promise<Recorded> {
  const out: string[] = [];
  const typed = [...secrets];
  const io: Io = {
    out: (line) => {
      if (isFull) throw new Error("No space left on device");
      out.push(line);
    },
    outBytes: (bytes) => {
      written.push(...bytes);
      return Promise.resolve();
    },
    err: (line) => {
      if (hasLeft && err.length > 0) throw new Error("Input/output error");
      err.push(line);
    },
    style: plainStyle,
    isWatched,
    isTerminal,
    ask: (_question, preset) => preset,
    confirm: (question) => {
      err.push(question);
      return answer;
    },
    askSecret: (question) => {
      err.push(question);
      return Promise.resolve(typed.shift() ?? "");
    },
    input: () => new Response(stdin).text(),
    inputLines: () => linesOf(new Response(stdin).body!),
    inputBytes: (bytesMax) => bytesOf(new Response(stdin).body!, bytesMax),
  };
  return { exit: await run(argv, io), out, err };
}

export interface FakeNode extends AsyncDisposable {
  /** Flags that name it. */
  readonly flags: readonly string[];
  readonly url: string;
  readonly tokenFile: string;
}

/** A server that answers as a node might, or might not. */
export async function fakeNode(
  handler: (request: Request) => Response | Promise<Response>,
): Promise<FakeNode> {
  const tokenFile = await Deno.makeTempFile();
  await Deno.writeTextFile(tokenFile, "secret\n");
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  const url = `http://127.0.0.1:${server.addr.port}`;
  return {
    url,
    tokenFile,
    flags: ["--api", url, "--token-file", tokenFile],
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await Deno.remove(tokenFile);
    },
  };
}
