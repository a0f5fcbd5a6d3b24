/** What passes over the machine's own network while a test runs, taken by tshark. */

export interface Stream {
  readonly from: number;
  readonly to: number;
  readonly bytes: Uint8Array;
}

const tshark = "/usr/bin/tshark";

export class Capture {
  readonly #file: string;
  readonly #child: Deno.ChildProcess;

  private constructor(file: string, child: Deno.ChildProcess) {
    this.#file = file;
    this.#child = child;
  }

  /** Takes all TCP on the loopback device from when this resolves. */
  static async begin(file: string): Promise<Capture> {
    const child = new Deno.Command(tshark, {
      args: ["-i", "lo", "-f", "tcp", "-w", file, "-q"],
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const capture = new Capture(file, child);
    const decoder = new TextDecoder();
    let said = "";
    const reader = child.stderr.getReader();
    while (!said.includes("Capturing on")) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`tshark does not capture: ${said}`);
      said += decoder.decode(value, { stream: true });
    }
    reader.releaseLock();
    void child.stderr.pipeTo(new WritableStream()).catch(() => {});
    // It says so a moment before it does so.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return capture;
  }

  /** Ends, and resolves to every direction of every connection, in order and each byte once. */
  async end(): Promise<Stream[]> {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    this.#child.kill("SIGINT");
    await this.#child.status;
    const fields = ["tcp.stream", "tcp.srcport", "tcp.dstport", "tcp.seq", "tcp.payload"];
    const command = new Deno.Command(tshark, {
      args: [
        ...["-r", this.#file, "-Y", "tcp.len > 0", "-T", "fields"],
        ...fields.flatMap((field) => ["-e", field]),
      ],
    });
    const { stdout } = await command.output();
    const lines = new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
    const streams = new Map<string, { from: number; to: number; parts: Map<number, string> }>();
    for (const line of lines) {
      const [stream, from, to, seq, payload] = line.split("\t") as [string, ...string[]];
      const key = `${stream} ${from}`;
      const known = streams.get(key) ?? { from: Number(from), to: Number(to), parts: new Map() };
      streams.set(key, known);
      const longest = known.parts.get(Number(seq)) ?? "";
      if (payload!.length > longest.length) known.parts.set(Number(seq), payload!);
    }
    return [...streams.values()].map(({ from, to, parts }) => ({
      from,
      to,
      bytes: joined([...parts].sort(([a], [b]) => a - b)),
    }));
  }
}

/** Segments may come again, and overlap. */
function joined(parts: readonly (readonly [number, string])[]): Uint8Array {
  let next = parts[0]?.[0] ?? 0;
  let digits = "";
  for (const [seq, payload] of parts) {
    const skipped = next - seq;
    if (skipped < 0) throw new Error(`the capture lacks ${-skipped} bytes`);
    digits += payload.slice(2 * skipped);
    next = Math.max(next, seq + payload.length / 2);
  }
  return Uint8Array.fromHex(digits);
}

/** Where a stream is not records of TLS from its beginning on (RFC 8446, 5.1); nothing if it is. */
export function notTls({ bytes }: Stream): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length;) {
    if (at + 5 > bytes.length) return undefined;
    const [type, version, length] = [bytes[at]!, view.getUint16(at + 1), view.getUint16(at + 3)];
    const isRecord = type >= 20 && type <= 23 && version >= 0x0301 && version <= 0x0303;
    if (!isRecord || length > 2 ** 14 + 256) return `at byte ${at}: ${bytes.slice(at, at + 16)}`;
    at += 5 + length;
  }
  return undefined;
}
