import { TextLineStream } from "@std/streams/text-line-stream";

/** Text line by line; it fails where the bytes are not UTF-8. */
export function linesOf(bytes: ReadableStream<Uint8Array<ArrayBuffer>>): ReadableStream<string> {
  return bytes
    .pipeThrough(new TextDecoderStream("utf-8", { fatal: true }))
    .pipeThrough(new TextLineStream());
}
