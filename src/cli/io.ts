import { UsageError } from "../errors.ts";
import { linesOf } from "./lines.ts";
import { plainStyle, terminalStyle } from "./style.ts";
import type { Style } from "./style.ts";

/** What a command may say to and ask of the person who typed it. */
export interface Io {
  /** A line on stdout: results, and nothing else. */
  out(line: string): void;
  /** Bytes on stdout, where a file is written to it. */
  outBytes(bytes: Uint8Array): Promise<void>;
  /** A line on stderr: errors, and news that are no result. */
  err(line: string): void;
  /** For what goes to stdout. */
  readonly style: Style;
  /** Whether someone watches stderr, and may be told that something takes its time. */
  readonly isWatched: boolean;
  /** Whether there is a person at a terminal who can be asked. */
  readonly isTerminal: boolean;
  /** Enter takes `preset`. */
  ask(question: string, preset: string): string;
  confirm(question: string): boolean;
  /** Asks for what nobody is to see: nothing of the answer is shown. */
  askSecret(question: string): Promise<string>;
  /** All of stdin, where it is no terminal. */
  input(): Promise<string>;
  /** Stdin line by line, however long. */
  inputLines(): AsyncIterable<string>;
  /** All of stdin, where a file is read from it; of more than `bytesMax` only so much that it is seen. */
  inputBytes(bytesMax: number): Promise<Uint8Array>;
}

/** A line on stderr, where that can be written: of what is said there, nothing else depends. */
export function note(io: Pick<Io, "err">, line: string): void {
  try {
    io.err(line);
  } catch {
    // There is nowhere left to say it.
  }
}

/** Of what is read from stdin. */
const inputBytesMax = 4_096;

export const processIo: Io = {
  out: (line) => console.log(line),
  outBytes: async (bytes) => {
    for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
  },
  err: (line) => console.error(line),
  get style() {
    return Deno.stdout.isTerminal() ? terminalStyle(!Deno.noColor) : plainStyle;
  },
  get isWatched() {
    return Deno.stderr.isTerminal();
  },
  get isTerminal() {
    return Deno.stdin.isTerminal() && Deno.stdout.isTerminal();
  },
  ask: (question, preset) => {
    // Not as the second argument: it would stand there to be edited, before what is typed.
    const answer = prompt(`${question} [${preset}]:`);
    if (answer === null) throw new UsageError(`no answer to "${question}": give it as a flag`);
    return answer.trim() || preset;
  },
  confirm: (question) => confirm(question),
  askSecret,
  input: async () => {
    if (Deno.stdin.isTerminal()) {
      throw new UsageError(
        "nothing is asked for here, as the output goes to no terminal: give it on stdin",
      );
    }
    let text = "";
    for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.length > inputBytesMax) {
        throw new UsageError(`more than ${inputBytesMax} characters on stdin`);
      }
    }
    return text;
  },
  inputLines: () => linesOf(Deno.stdin.readable),
  inputBytes: (bytesMax) => bytesOf(Deno.stdin.readable, bytesMax),
};

/** All of a stream, or its beginning as soon as that is more than `bytesMax`. */
export async function bytesOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  bytesMax: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > bytesMax) break;
  }
  return await new Blob(chunks).bytes();
}

/** As a terminal sends them. */
const keys = { enter: [10, 13], erase: [8, 127], interrupt: 3, end: 4 };

/**
 * Not by the library's prompt: it leaves Ctrl-C to the terminal, which then ends the program with the
 * terminal still silent.
 */
async function askSecret(question: string): Promise<string> {
  Deno.stderr.writeSync(new TextEncoder().encode(`${question}:`));
  Deno.stdin.setRaw(true);
  const typed: number[] = [];
  // One at a time: what follows, as where lines are pasted, answers the next question.
  const key = new Uint8Array(1);
  try {
    for (;;) {
      const byte = await Deno.stdin.read(key) === 1 ? key[0]! : keys.end;
      if (keys.enter.includes(byte)) return new TextDecoder().decode(Uint8Array.from(typed)).trim();
      if (byte === keys.interrupt) throw new UsageError("interrupted: nothing was done");
      if (byte === keys.end) throw new UsageError(`no answer to "${question}"`);
      if (keys.erase.includes(byte)) typed.pop();
      else typed.push(byte);
    }
  } finally {
    Deno.stdin.setRaw(false);
    Deno.stderr.writeSync(new TextEncoder().encode("\n"));
  }
}
