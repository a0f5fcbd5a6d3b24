import { generate } from "@std/uuid/v7";
import { invariant } from "../errors.ts";
import { parsePaymentId } from "../protocol/id.ts";
import type { PaymentId } from "../protocol/id.ts";

/** A payment id made now. */
export function newId(): PaymentId {
  const id = parsePaymentId(generate());
  invariant(id !== undefined, "generate() makes a UUIDv7");
  return id;
}
