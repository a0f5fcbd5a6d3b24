/**
 * The state machines of both roles as they are in `src/protocol/`, in a copy of the source whose private
 * fields can be read: only so can it be told whether two ways have led to the same state.
 */

import type { Coordinator } from "../../src/protocol/coordinator.ts";
import type { Participant } from "../../src/protocol/participant.ts";
import type { Patch } from "../simulation/patched.ts";
import { patchedCopy } from "../simulation/patched.ts";

export interface OpenCore {
  readonly Coordinator: new () => Coordinator;
  readonly Participant: new (name: string, coordinator: string) => Participant;
}

/** So that one tick is later than all time-outs, and no order is rejected as it is early. */
const simpler: readonly Patch[] = [
  {
    file: "src/limits.ts",
    find: "export const orderMemoryMs = 30_000;",
    replace: "export const orderMemoryMs = 3_500;",
  },
  {
    file: "src/protocol/order_window.ts",
    find: "if (waitedMs > this.#wayMs + 2 * orderDelayMsMax) return 0;",
    replace: "",
  },
];

/** @param bugs put into it, if any */
export async function openCore(bugs: readonly Patch[] = []): Promise<OpenCore> {
  const folder = await patchedCopy([...simpler, ...bugs]);
  try {
    const protocol = `${folder}/src/protocol`;
    for await (const { name } of Deno.readDir(protocol)) {
      const path = `${protocol}/${name}`;
      const text = await Deno.readTextFile(path);
      await Deno.writeTextFile(path, text.replaceAll(/#(?=[a-z])/g, "_"));
    }
    const { Coordinator } = await import(`file://${protocol}/coordinator.ts`);
    const { Participant } = await import(`file://${protocol}/participant.ts`);
    return { Coordinator, Participant };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
