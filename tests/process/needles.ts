/** A card number in whatever form it might be found: in files, in output, in the memory of a process. */

import { Buffer } from "node:buffer";

export interface Needle {
  readonly form: string;
  readonly bytes: Uint8Array;
}

/** @param number digits, none of whose middle ones may be found either */
export function needlesOf(number: string): Needle[] {
  const text = (form: string, text: string): Needle => ({ form, bytes: Buffer.from(text) });
  const bytes = (form: string, bytes: Uint8Array): Needle => ({ form, bytes });
  const reversed = [...number].reverse().join("");
  const groups = number.match(/.{1,4}/g)!;
  const ascii = Buffer.from(number);
  const utf16 = Buffer.from(number, "utf16le");
  const packed = Buffer.from(number.length % 2 === 0 ? number : `${number}f`, "hex");
  const integer = new DataView(new ArrayBuffer(8));
  integer.setBigUint64(0, BigInt(number));
  const float = new DataView(new ArrayBuffer(8));
  float.setFloat64(0, Number(number));
  const both = (form: string, view: DataView): Needle[] => {
    const big = new Uint8Array(view.buffer);
    return [bytes(form, big), bytes(`${form}, lowest first`, big.toReversed())];
  };
  return [
    text("digits", number),
    // More than the first six and the last four.
    text("its first eight digits", number.slice(0, 8)),
    text("its middle digits", number.slice(5, -3)),
    text("its last eight digits", number.slice(-8)),
    text("digits with spaces", groups.join(" ")),
    text("digits with dashes", groups.join("-")),
    text("reversed digits", reversed),
    text("hexadecimal of ASCII", ascii.toString("hex")),
    text("decimal codes", [...ascii].join(",")),
    ...[0, 1, 2].map((at) => text(`base64, ${at} bytes into it`, base64Within(ascii, at))),
    ...[0, 1, 2].map((at) => text(`base64 of UTF-16, ${at} bytes`, base64Within(utf16, at))),
    bytes("packed decimal", packed),
    bytes("packed decimal, nibbles swapped", Buffer.from(swapped(packed.toString("hex")), "hex")),
    bytes("packed decimal, reversed", packed.toReversed()),
    bytes("a digit a byte", Uint8Array.from(number, Number)),
    bytes("UTF-16", utf16),
    bytes("UTF-16, highest first", Buffer.from(utf16).swap16()),
    bytes("UTF-16 reversed", Buffer.from(reversed, "utf16le")),
    bytes("UTF-32", Buffer.from([...number].flatMap((digit) => [digit.charCodeAt(0), 0, 0, 0]))),
    ...both("a 64-bit integer", integer),
    ...both("a 64-bit float", float),
  ];
}

/** The forms that are in some bytes; all are looked for at once, as a memory is large. */
export function formsIn(haystack: Uint8Array, needles: readonly Needle[]): string[] {
  const byStart: Needle[][] = [];
  for (const needle of needles) (byStart[startOf(needle.bytes, 0)] ??= []).push(needle);
  const isStart = new Uint8Array(0x10000);
  for (const start of Object.keys(byStart)) isStart[Number(start)] = 1;
  const found = new Set<string>();
  for (let at = 0, pair = haystack[0] ?? 0; at + 1 < haystack.length; at++) {
    pair = (pair << 8 | haystack[at + 1]!) & 0xffff;
    if (isStart[pair] === 0) continue;
    for (const { form, bytes } of byStart[pair]!) if (isAt(haystack, at, bytes)) found.add(form);
  }
  return [...found];
}

function startOf(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 8 | bytes[at + 1]!;
}

function isAt(haystack: Uint8Array, at: number, bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (haystack[at + i] !== bytes[i]) return false;
  return true;
}

/** Of bytes that begin `at` bytes into a group of three: what does not depend on their neighbours. */
function base64Within(bytes: Uint8Array, at: number): string {
  const whole = Buffer.concat([new Uint8Array(at), bytes]).toString("base64").replaceAll("=", "");
  const first = Math.ceil(at * 8 / 6);
  const last = Math.floor((at + bytes.length) * 8 / 6);
  return whole.slice(first, last);
}

function swapped(hex: string): string {
  return hex.replaceAll(/(.)(.)/g, "$2$1");
}

const readBytes = 16 * 1024 * 1024;

/** The forms that are in a file, however long it is. */
export async function formsInFile(path: string, needles: readonly Needle[]): Promise<string[]> {
  using file = await Deno.open(path);
  const { size } = await file.stat();
  return await formsInRange(file, 0, size, needles);
}

/**
 * The forms that are in the memory of a process: all that it could read itself, as a core dump would have
 * it. Debian's gcore would also write out the address space that V8 only reserves: 17 GiB of zeros.
 */
export async function formsInMemory(
  pid: number,
  needles: readonly Needle[],
): Promise<{ forms: string[]; bytes: number }> {
  const regions = await presentRanges(pid);
  using memory = await Deno.open(`/proc/${pid}/mem`);
  const forms = new Set<string>();
  let bytes = 0;
  for (const [start, end] of regions) {
    try {
      for (const form of await formsInRange(memory, start, end, needles)) forms.add(form);
      bytes += end - start;
    } catch (thrown) {
      // It was given back since, or is a device's.
      if (!isGone(thrown)) throw thrown;
    }
  }
  return { forms: [...forms], bytes };
}

function isGone(thrown: unknown): boolean {
  return thrown instanceof Error && /os error (5|14)\b/.test(thrown.message);
}

const pageBytes = 4096;

/** Start and end of what is readable and there: V8 reserves much more than it uses. */
async function presentRanges(pid: number): Promise<[start: number, end: number][]> {
  const ranges: [number, number][] = [];
  using pages = await Deno.open(`/proc/${pid}/pagemap`);
  for (const line of (await Deno.readTextFile(`/proc/${pid}/maps`)).split("\n")) {
    const [, from, to, mode, what = ""] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)(.*)$/.exec(line) ?? [];
    if (!from || !to || !mode?.startsWith("r") || /\[v(var|syscall)/.test(what)) continue;
    const [start, end] = [parseInt(from, 16), parseInt(to, 16)];
    const entries = new Uint8Array((end - start) / pageBytes * 8);
    await pages.seek(start / pageBytes * 8, Deno.SeekMode.Start);
    for (let at = 0; at < entries.length;) {
      const count = await pages.read(entries.subarray(at));
      if (count === null) break;
      at += count;
    }
    for (let page = 0; page * 8 < entries.length; page++) {
      // Present, or swapped out.
      if ((entries[page * 8 + 7]! & 0xc0) === 0) continue;
      const at = start + page * pageBytes;
      const last = ranges.at(-1);
      if (last?.[1] === at) last[1] += pageBytes;
      else ranges.push([at, at + pageBytes]);
    }
  }
  return ranges;
}

async function formsInRange(
  file: Deno.FsFile,
  start: number,
  end: number,
  needles: readonly Needle[],
): Promise<string[]> {
  const overlap = Math.max(...needles.map(({ bytes }) => bytes.length)) - 1;
  const forms = new Set<string>();
  const buffer = new Uint8Array(readBytes + overlap);
  let kept = 0;
  await file.seek(start, Deno.SeekMode.Start);
  for (let at = start; at < end;) {
    const wanted = Math.min(readBytes, end - at);
    const count = await file.read(buffer.subarray(kept, kept + wanted));
    if (count === null) break;
    at += count;
    const filled = buffer.subarray(0, kept + count);
    for (const form of formsIn(filled, needles)) forms.add(form);
    // What lies across the border of two reads is found with the second.
    kept = Math.min(overlap, filled.length);
    buffer.copyWithin(0, filled.length - kept, filled.length);
  }
  return [...forms];
}
