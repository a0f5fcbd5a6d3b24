import { assert, assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import { FormatError } from "../../src/errors.ts";
import {
  checkSealingPublicKey,
  rawPublicKey,
  readSigningPublicKey,
} from "../../src/keys/public_key.ts";
import {
  ed25519Pem,
  rawOf,
  secondSealingKeys,
  smallOrderSealingKeys,
  smallOrderSigningKeys,
} from "./weak_keys.ts";

/** RFC 8032, 7.1, test 1. */
const secret = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const raw = Uint8Array.fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");

Deno.test("rawPublicKey() gives the public key, and readSigningPublicKey() reads it", () => {
  const key = createPrivateKey(ed25519Pem(Uint8Array.fromHex(secret)));
  assertEquals(rawPublicKey(key), raw);
  assertEquals(rawPublicKey(createPublicKey(key)), raw);
  const message = Buffer.from("message");
  assert(verify(null, message, readSigningPublicKey(raw), sign(null, message, key)));
  assertEquals(rawPublicKey(readSigningPublicKey(raw)), raw);
});

Deno.test("readSigningPublicKey() takes points of either sign", () => {
  const signs = new Set<number>();
  while (signs.size < 2) {
    const key = generateKeyPairSync("ed25519").publicKey;
    const bytes = rawPublicKey(key);
    assert(readSigningPublicKey(bytes).equals(key));
    signs.add(bytes[31]! >> 7);
  }
});

const refused: [string, Uint8Array, string][] = [
  ["31 bytes", raw.slice(1), "31 bytes"],
  ["33 bytes", new Uint8Array([...raw, 0]), "33 bytes"],
  ["no bytes", new Uint8Array(), "0 bytes"],
  ["what is no point of the curve", rawOf(2n), "no point"],
  ["the highest number", new Uint8Array(32).fill(255), "not canonical"],
  ...smallOrderSigningKeys.map((one): [string, Uint8Array, string] => [
    `the weak key ${one.toHex().slice(0, 4)}...${one.toHex().slice(-2)}`,
    one,
    one.toHex(),
  ]),
];
for (const [what, bytes, said] of refused) {
  Deno.test(`readSigningPublicKey() refuses ${what}`, () => {
    assertThrows(() => readSigningPublicKey(bytes), FormatError, said);
  });
}

Deno.test("with every canonical key of small order, a signature that nobody made fits messages", () => {
  const prefix = Buffer.from("302a300506032b6570032100", "hex");
  const nobodys = new Uint8Array(64);
  nobodys[0] = 1;
  for (const weak of smallOrderSigningKeys.slice(0, 10)) {
    // With x = 0 the sign must be positive: such an encoding stands for no point.
    if (weak[31]! >= 128 && [0x01, 0xec].includes(weak[0]!)) continue;
    const spki = Buffer.concat([prefix, weak]);
    const key = createPublicKey({ key: spki, format: "der", type: "spki" });
    const messages = Array.from({ length: 200 }, (_, at) => Buffer.from([at]));
    assert(messages.some((message) => verify(null, message, key, nobodys)), weak.toHex());
  }
});

const weakSealing: [string, readonly Uint8Array[], string][] = [
  ["keys of small order", smallOrderSealingKeys, "small order"],
  ["second encodings", secondSealingKeys, "not canonical"],
  ["31 bytes", [raw.slice(1)], "31 bytes"],
  ["no bytes", [new Uint8Array()], "0 bytes"],
];
for (const [what, keys, said] of weakSealing) {
  Deno.test(`checkSealingPublicKey() refuses ${what}`, () => {
    for (const key of keys) assertThrows(() => checkSealingPublicKey(key), FormatError, said);
  });
}

Deno.test("checkSealingPublicKey() takes every other number below the prime, on the curve or its twist", () => {
  for (const u of [2n, 3n, 9n, 2n ** 254n, 2n ** 255n - 21n]) checkSealingPublicKey(rawOf(u));
});
