/** One established link: its queue and writer, its reader, its heartbeat. */

import { messageOf } from "../errors.ts";
import type { Connection } from "./connection.ts";
import { type Frame, frameHeaderBytes, type FrameKind, frameKinds, putFrame } from "./frame.ts";
import type { LinkLimits } from "./links.ts";
import { decodeRefuse, encodeRefuse } from "./message.ts";
import { Refusal } from "./refusal.ts";

export interface LinkOptions {
  readonly connection: Connection;
  /** Only dialers can write at once, whatever the other end has acknowledged. */
  readonly isDialer: boolean;
  readonly limits: LinkLimits;
  /** Takes one payload, and says whether it will be answered soon; throws where it is garbage. */
  received(payload: Uint8Array): boolean;
  /** This end refused the other, or the other this one. */
  log(line: string): void;
}

export class Link {
  readonly #options: LinkOptions;
  readonly #connection: Connection;
  /** Goes before all that is queued: an answer to a ping must not wait behind megabytes. */
  #urgent: Frame[] = [];
  #queue: Frame[] = [];
  #queueNext = 0;
  #queuedBytes = 0;
  #pushes = 0;
  #wakeWriter: (() => void) | undefined;
  /** Why the link is over, once it is. */
  #reason: string | undefined;
  /** Closing once what is queued has been written. */
  #finishing: Promise<void> | undefined;
  #writing: Promise<void> | undefined;
  #beatsSincePush = 0;
  #beatsSinceHeard = 0;
  #pings = 0;
  readonly #pingsAnswered = new Map<number, (answered: boolean) => void>();

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#connection = options.connection;
  }

  /** Reads and writes until the link is over; returns why. Never rejects. */
  async run(): Promise<string> {
    const beats = setInterval(() => this.#beat(), this.#options.limits.heartbeatIntervalMs / 2);
    this.#writing = this.#write();
    await this.#read();
    await this.#finishing;
    clearInterval(beats);
    for (const tell of this.#pingsAnswered.values()) tell(false);
    // The writer is not waited for: Deno 2.7 leaves a blocked write to the operating system.
    return this.#reason ?? "it ended";
  }

  /** Queues a payload, which must not be changed afterwards. False if the link is over. */
  send(payload: Uint8Array): boolean {
    return this.#push(frameKinds.payload, payload);
  }

  /** What the handshake has left to say; before anything is sent. */
  sendFirst(frame: Frame): void {
    this.#urgent.push(frame);
    this.#queuedBytes += frameHeaderBytes + frame.body.length;
  }

  /** Whether the other end answers a ping in time. */
  async answers(withinMs: number): Promise<boolean> {
    if (this.#reason !== undefined) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const ping = this.#ping();
    this.#pingsAnswered.set(ping, resolve);
    const timer = setTimeout(() => resolve(false), withinMs);
    const answered = await promise;
    clearTimeout(timer);
    this.#pingsAnswered.delete(ping);
    return answered;
  }

  /** At once. {@linkcode Link.run} returns soon after. */
  close(reason: string): void {
    this.#reason ??= reason;
    this.#connection.close();
    this.#wakeWriter?.();
  }

  /** Closes once what is queued has been written, or when `lingerMsMax` is over. */
  async finish(reason: string): Promise<void> {
    if (this.#reason === undefined) {
      this.#reason = reason;
      this.#wakeWriter?.();
      this.#finishing = this.#finish();
    }
    await this.#finishing;
  }

  async #finish(): Promise<void> {
    const { lingerMsMax } = this.#options.limits;
    const { promise: timeUp, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, lingerMsMax);
    await Promise.race([this.#writing, timeUp]);
    clearTimeout(timer);
    await this.#connection.end(lingerMsMax);
  }

  #push(kind: FrameKind, body: Uint8Array): boolean {
    if (this.#reason !== undefined) return false;
    const { linkQueueBytesMax } = this.#options.limits;
    this.#queuedBytes += frameHeaderBytes + body.length;
    if (this.#queuedBytes > linkQueueBytesMax) {
      this.close(`more than ${linkQueueBytesMax} bytes wait to be sent`);
      return false;
    }
    (kind === frameKinds.payload ? this.#queue : this.#urgent).push({ kind, body });
    this.#pushes++;
    this.#beatsSincePush = 0;
    this.#wakeWriter?.();
    return true;
  }

  /** Puts as many frames as fit into one write: many payloads cost few system calls. */
  async #write(): Promise<void> {
    const buffer = new Uint8Array(writeBytesMax);
    try {
      while (!this.#connection.isClosed) {
        const length = this.#takeQueued(buffer);
        if (length > 0) await this.#connection.write(buffer.subarray(0, length));
        else if (this.#reason !== undefined) return;
        else await new Promise<void>((resolve) => this.#wakeWriter = resolve);
      }
    } catch (thrown) {
      this.close(`it was lost while writing (${messageOf(thrown)})`);
    }
  }

  #takeQueued(buffer: Uint8Array): number {
    let length = 0;
    for (const frame of this.#urgent.splice(0)) {
      if (length + frameHeaderBytes + frame.body.length > buffer.length) this.#urgent.push(frame);
      else length = putFrame(buffer, length, frame);
    }
    for (; this.#queueNext < this.#queue.length; this.#queueNext++) {
      const frame = this.#queue[this.#queueNext];
      if (frame === undefined || length + frameHeaderBytes + frame.body.length > buffer.length) {
        break;
      }
      length = putFrame(buffer, length, frame);
    }
    // What has been written is let go in large pieces, also where the queue never runs dry.
    if (this.#queueNext === this.#queue.length || this.#queueNext >= queueCutFrames) {
      this.#queue = this.#queue.slice(this.#queueNext);
      this.#queueNext = 0;
    }
    this.#queuedBytes -= length;
    return length;
  }

  async #read(): Promise<void> {
    const { frames } = this.#connection;
    try {
      do {
        this.#beatsSinceHeard = 0;
        const pushes = this.#pushes;
        let isAwaited = false;
        for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
          const isAnswered = this.#take(frame);
          if (frame.kind === frameKinds.payload) isAwaited = !isAnswered;
          if (this.#reason !== undefined) return;
        }
        // The acceptor's next small write waits for an acknowledgement, which this end's kernel
        // delays by 40 ms unless it has data to send.
        if (this.#options.isDialer && isAwaited && pushes === this.#pushes) {
          this.#push(frameKinds.received, nothing);
        }
      } while (await frames.fill());
      this.close("the other end closed it");
    } catch (thrown) {
      if (thrown instanceof Refusal) this.#refuse(thrown);
      else this.close(messageOf(thrown));
    }
  }

  /** Returns whether the node will answer it soon. */
  #take(frame: Frame): boolean {
    switch (frame.kind) {
      case frameKinds.payload:
        return this.#deliver(frame.body);
      case frameKinds.ping:
        pingNumber(frame);
        this.#push(frameKinds.pong, frame.body);
        return false;
      case frameKinds.pong:
        this.#pingsAnswered.get(pingNumber(frame))?.(true);
        return false;
      case frameKinds.received:
        return false;
      case frameKinds.refuse: {
        const { code, message } = decodeRefuse(frame.body);
        this.#options.log(`refused by ${this.#connection.remote}: ${code}: ${message}`);
        this.close(`it was refused by the other end: ${code}: ${message}`);
        return false;
      }
      case frameKinds.handshake:
        throw new Refusal("garbage", "a frame of the handshake came after its end");
      default:
        return frame.kind satisfies never;
    }
  }

  #deliver(payload: Uint8Array): boolean {
    try {
      return this.#options.received(payload);
    } catch (thrown) {
      throw new Refusal("garbage", messageOf(thrown));
    }
  }

  #refuse({ code, message }: Refusal): void {
    if (this.#reason !== undefined) return;
    this.#options.log(`refused what came from ${this.#connection.remote}: ${code}: ${message}`);
    this.#queue = [];
    this.#queueNext = 0;
    this.#urgent.push(encodeRefuse({ code, message }));
    this.finish(`it was refused: ${code}: ${message}`);
  }

  /**
   * Silence is counted in beats, not by the clock: a process that was itself stopped for a while
   * gets to read what came meanwhile before it takes its peers for gone.
   */
  #beat(): void {
    const { heartbeatIntervalMs, silenceMsMax } = this.#options.limits;
    const beatMs = heartbeatIntervalMs / 2;
    if (++this.#beatsSinceHeard * beatMs > silenceMsMax) {
      return this.close(`the other end was silent for more than ${silenceMsMax} ms`);
    }
    if (++this.#beatsSincePush * beatMs >= heartbeatIntervalMs) this.#ping();
  }

  #ping(): number {
    this.#pings = (this.#pings + 1) >>> 0;
    const body = new Uint8Array(4);
    new DataView(body.buffer).setUint32(0, this.#pings);
    this.#push(frameKinds.ping, body);
    return this.#pings;
  }
}

/** Of one write: more does not make it cheaper. */
const writeBytesMax = 64 * 1024;
const queueCutFrames = 1_024;
const nothing = new Uint8Array(0);

function pingNumber({ body }: Frame): number {
  if (body.length !== 4) throw new Refusal("garbage", "a ping without a number came");
  return new DataView(body.buffer, body.byteOffset, 4).getUint32(0);
}
