/**
 * Frames: four bytes of length (big-endian) of what follows, one byte of kind, then the body.
 *
 * A whole frame is small enough to be acted on alone (`frameBytesMax`): the acceptor can't turn
 * Nagle's algorithm off, so it must not wait for the rest of a large one.
 */

import { frameBytesMax, handshakeFrameBytesMax } from "../limits.ts";
import { Refusal } from "./refusal.ts";

export const frameHeaderBytes = 5;
/** The most that one frame carries for a node. */
export const payloadBytesMax = frameBytesMax - frameHeaderBytes;

/** What a frame is. Only a payload is the node's own; the others are how links come and stay up. */
export const frameKinds = {
  handshake: 1,
  refuse: 2,
  payload: 3,
  ping: 4,
  pong: 5,
  /** "Got it": carries the acknowledgement for which the acceptor's next write may be waiting. */
  received: 6,
} as const;

export type FrameKind = typeof frameKinds[keyof typeof frameKinds];

export interface Frame {
  readonly kind: FrameKind;
  readonly body: Uint8Array;
}

/** Writes a frame into `target` at `offset`; returns the offset after it. */
export function putFrame(target: Uint8Array, offset: number, frame: Frame): number {
  const length = frame.body.length + 1;
  target[offset] = length >>> 24;
  target[offset + 1] = length >>> 16;
  target[offset + 2] = length >>> 8;
  target[offset + 3] = length;
  target[offset + 4] = frame.kind;
  target.set(frame.body, offset + frameHeaderBytes);
  return offset + frameHeaderBytes + frame.body.length;
}

export function encodeFrame(frame: Frame): Uint8Array {
  const bytes = new Uint8Array(frameHeaderBytes + frame.body.length);
  putFrame(bytes, 0, frame);
  return bytes;
}

/**
 * Cuts frames out of what is read. A body is a view into a chunk of memory that is never written
 * again, so it may be kept, at the price of keeping its whole chunk (64 KiB).
 */
export class FrameReader {
  /** Of a whole frame; small until the peer has proven who it is. */
  bytesMax = handshakeFrameBytesMax;
  #chunk = new Uint8Array(chunkBytes);
  #start = 0;
  #end = 0;

  /** `read` fills part of a buffer and returns how many bytes, or nothing at the end. */
  constructor(private readonly read: (into: Uint8Array) => Promise<number | null>) {}

  /**
   * The next frame that has been read whole, or nothing. Throws {@linkcode Refusal} for a length
   * that is too large, as soon as the length is there, and for a frame of no known kind.
   */
  next(): Frame | undefined {
    const available = this.#end - this.#start;
    if (available < 4) return undefined;
    const chunk = this.#chunk;
    const length = new DataView(chunk.buffer, this.#start, 4).getUint32(0);
    if (length + 4 > this.bytesMax) {
      throw new Refusal(
        "frame_too_large",
        `a frame of ${length + 4} bytes came where at most ${this.bytesMax} are allowed`,
      );
    }
    if (length === 0) throw new Refusal("garbage", "an empty frame came");
    if (available < 4 + length) return undefined;
    const kind = chunk[this.#start + 4] ?? 0;
    if (!isFrameKind(kind)) throw new Refusal("garbage", `a frame of unknown kind ${kind} came`);
    const body = chunk.subarray(this.#start + frameHeaderBytes, this.#start + 4 + length);
    this.#start += 4 + length;
    return { kind, body };
  }

  /** Reads once. False at the end of the connection. */
  async fill(): Promise<boolean> {
    if (this.#chunk.length - this.#end < frameBytesMax) this.#roll();
    const count = await this.read(this.#chunk.subarray(this.#end));
    if (count === null) return false;
    this.#end += count;
    return true;
  }

  /** Goes on in a fresh chunk, with the part of a frame that is left: at most `frameBytesMax`. */
  #roll(): void {
    const rest = this.#chunk.subarray(this.#start, this.#end);
    this.#chunk = new Uint8Array(chunkBytes);
    this.#chunk.set(rest);
    this.#start = 0;
    this.#end = rest.length;
  }
}

const chunkBytes = 64 * 1024;
const knownKinds: ReadonlySet<number> = new Set(Object.values(frameKinds));

function isFrameKind(kind: number): kind is FrameKind {
  return knownKinds.has(kind);
}
