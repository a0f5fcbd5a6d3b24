/** What payments have told, after a run: it stands where it was told, and on no other disk. */

import { Buffer } from "node:buffer";
import { Log } from "../log/log.ts";
import { MemoryStorage } from "../log/storage.ts";
import { openDetails } from "../node/sealing.ts";
import type { PaymentId } from "../protocol/id.ts";
import type { Told } from "./clients.ts";
import type { Machine } from "./machine.ts";
import { broken, detailsRule } from "./views.ts";
import type { World } from "./world.ts";

/** Committed payments that are looked for on every disk, byte by byte. */
const searchedMax = 5;

/** @throws {Violation} */
export async function checkDetails(world: World, told: readonly Told[]): Promise<void> {
  const logs = new Map<string, Log>();
  for (const { name, disk } of world.participants) {
    const log = await Log.open(new MemoryStorage(disk));
    await log.replay(() => {});
    logs.set(name, log);
  }
  const secrets = new Map<PaymentId, Uint8Array[]>();
  for (const { payment, memo, recipients } of told) {
    const isSearched = secrets.size < searchedMax;
    const sought: Uint8Array[] = [new TextEncoder().encode(memo)];
    for (const { name, sealing } of world.participants) {
      const { erased } = world.watch.views.participant(name);
      const found = await logs.get(name)!.details(payment);
      if (!recipients.includes(name) && !found) continue;
      if (!found) broken(detailsRule, `${name} has not what ${payment} tells it`, payment);
      if (erased.has(payment) !== (found.details === undefined)) {
        broken(detailsRule, `what ${payment} tells ${name} is not there, or not erased`, payment);
      }
      if (!found.details) continue;
      const opened = await openDetails(sealing, name, found.order, found.details);
      const read = opened === "unreadable" ? opened : opened?.memo;
      if (read !== memo) broken(detailsRule, `${name} reads "${read}" in ${payment}`, payment);
      const own = found.details.find(({ recipient }) => recipient === name);
      if (own?.sealed) sought.push(own.sealed);
    }
    if (isSearched) secrets.set(payment, sought);
  }
  for (const machine of world.machines) search(machine, secrets);
}

/** The log of a disk has neither what was told nor what was sealed. */
function search({ name, disk }: Machine, secrets: ReadonlyMap<PaymentId, Uint8Array[]>): void {
  const values = disk.values.filter(({ key }) => key[0] !== "details").map(({ value }) => value);
  const bytes = Buffer.concat(values);
  for (const [payment, sought] of secrets) {
    if (!sought.some((one) => bytes.includes(Buffer.from(one.subarray(0, 32))))) continue;
    broken(detailsRule, `${name} has on its disk what ${payment} tells others`, payment);
  }
}
