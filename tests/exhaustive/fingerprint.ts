/** A text that two values have in common only if nothing can tell them apart. */

/** Beyond this no time-out of what is explored is left to pass. */
const timeMsMax = 6_000;

/** What only counts where orders are many, or where the coordinator has no link with somebody. */
const ignored: ReadonlySet<string> = new Set(["_window", "isOut", "isRepeated", "_startedMs"]);

/**
 * Times of a node's clock are written as what they are from now, as nothing goes by them otherwise; and of
 * entries nothing, as all that is explored is of one date.
 *
 * @param nowMs the node's clock
 */
export function fingerprint(value: unknown, nowMs: number): string {
  const parts: string[] = [];
  const parents = new Set<object>();
  const write = (value: unknown, key = ""): void => {
    if (typeof value === "number") parts.push(isTime(key) ? timeFrom(value, nowMs) : `${value}`);
    else if (typeof value === "bigint") parts.push(`${value}n`);
    else if (typeof value !== "object" || value === null) parts.push(JSON.stringify(value));
    else if (value instanceof Uint8Array) parts.push(value.subarray(0, 8).toHex());
    else if (Array.isArray(value)) writeAll("[", value, "]");
    else if (value instanceof Map || value instanceof Set) writeAll("<", value, ">");
    else if ("clock" in value) parts.push("@");
    else if ("hash" in value && "bytes" in value) write(value.hash);
    else writeFields(value);
  };
  const writeAll = (begin: string, values: Iterable<unknown>, end: string): void => {
    parts.push(begin);
    for (const value of values) {
      write(value);
      parts.push(",");
    }
    parts.push(end);
  };
  const writeFields = (object: object): void => {
    // What several parts of a node have in common is written once.
    if (object.constructor !== Object) {
      if (parents.has(object)) return void parts.push("^");
      parents.add(object);
    }
    parts.push("{");
    for (const [key, value] of Object.entries(object)) {
      if (value === undefined || typeof value === "function" || ignored.has(key)) continue;
      parts.push(key, ":");
      write(value, key);
      parts.push(",");
    }
    parts.push("}");
  };
  write(value);
  return parts.join("");
}

/** Not the date of an entry. */
function isTime(key: string): boolean {
  return key.endsWith("Ms") && key !== "atMs";
}

function timeFrom(ms: number, nowMs: number): string {
  return `${Math.max(-timeMsMax, Math.min(timeMsMax, ms - nowMs))}`;
}
