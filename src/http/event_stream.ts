/** One client of a stream of server-sent events, with a bounded buffer. */

import { streamBytesMax, streamHeartbeatMs, streamMissedBeatsMax, streamsMax } from "../limits.ts";

const encoder = new TextEncoder();
const headers = {
  "Content-Type": "text/event-stream",
  // A proxy that gathers bytes would hold events back.
  "X-Accel-Buffering": "no",
};

export class EventStream {
  readonly response: Response;
  readonly #closed = Promise.withResolvers<void>();
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #wake: (() => void) | undefined;
  #isClosed = false;
  /** Signs of life for which there was no room, since something was read last. */
  #missedBeats = 0;

  constructor() {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => {
        this.#missedBeats = 0;
        this.#wake?.();
      },
      cancel: () => this.#end(),
    }, new ByteLengthQueuingStrategy({ highWaterMark: streamBytesMax }));
    this.response = new Response(body, { headers });
  }

  /** Resolves when either side has ended it. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get hasRoom(): boolean {
    return (this.#controller.desiredSize ?? 0) > 0;
  }

  /** Resolves when there is room, or when the stream is closed. */
  async room(): Promise<void> {
    while (!this.#isClosed && !this.hasRoom) {
      await new Promise<void>((wake) => this.#wake = wake);
    }
  }

  /** Sends whole lines of an event or a comment. Without room the stream is closed instead. */
  send(text: string): void {
    if (this.#isClosed) return;
    if (this.hasRoom) this.#controller.enqueue(encoder.encode(text));
    else this.close();
  }

  /**
   * Shows that the stream lives. One without room has enough to read, and whoever fills it waits for the
   * room; one from which nothing is read for long keeps others from theirs.
   */
  beat(): void {
    if (this.hasRoom) return this.send(": \n\n");
    if (++this.#missedBeats >= streamMissedBeatsMax) this.close();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#end();
    this.#controller.close();
  }

  #end(): void {
    this.#isClosed = true;
    this.#wake?.();
    this.#closed.resolve();
  }
}

/** The text of an event; `data` must be one line. */
export function eventText(data: string, { id, name }: { id?: string; name?: string } = {}): string {
  return (id === undefined ? "" : `id: ${id}\n`) + (name === undefined ? "" : `event: ${name}\n`) +
    `data: ${data}\n\n`;
}

/** Keeps count of streams, and closes them all when the server stops. */
export class Streams {
  readonly #open = new Set<EventStream>();
  readonly #stopping: AbortSignal | undefined;

  constructor(stopping?: AbortSignal) {
    this.#stopping = stopping;
    stopping?.addEventListener("abort", () => {
      for (const stream of this.#open) stream.close();
    });
  }

  /** Nothing where too many are open, or the server stops. */
  open(request: Request): EventStream | undefined {
    if (this.#stopping?.aborted || this.#open.size >= streamsMax) return undefined;
    const stream = new EventStream();
    this.#open.add(stream);
    const heartbeat = setInterval(() => stream.beat(), streamHeartbeatMs);
    stream.closed.then(() => {
      clearInterval(heartbeat);
      this.#open.delete(stream);
    });
    // The body of an answer to HEAD is read by no one.
    if (request.method === "HEAD") stream.close();
    return stream;
  }
}
