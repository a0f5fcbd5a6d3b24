/** Where tests stop a node's loop, to kill the process at a known point of the protocol. */

import { UsageError } from "../errors.ts";
import type { LogRecord } from "../protocol/record.ts";

const variable = "HANDFAST_TEST_HALT";

/** `before:TYPE` or `after:TYPE` of an append that holds a record of that type. */
export interface HaltPoint {
  readonly when: "before" | "after";
  readonly type: string;
}

/**
 * The point named in the environment, if any.
 *
 * @throws {UsageError} in a compiled executable, which is made for real money
 */
export function haltPoint(): HaltPoint | undefined {
  const text = Deno.env.get(variable);
  if (!text) return undefined;
  if (Deno.build.standalone) {
    throw new UsageError(`${variable} is for tests from source; unset it to run the executable`);
  }
  const [when, type] = text.split(":");
  if ((when !== "before" && when !== "after") || !type) {
    throw new UsageError(`${variable}="${text}": give before:TYPE or after:TYPE of a record`);
  }
  return { when, type };
}

/** Waits for ever at the point: the process is to be killed there. */
export async function haltAt(
  point: HaltPoint | undefined,
  when: HaltPoint["when"],
  records: readonly LogRecord[],
): Promise<void> {
  if (point?.when !== when || !records.some(({ type }) => type === point.type)) return;
  console.error(`halted ${when} ${point.type}`);
  await new Promise<never>(() => {});
}
