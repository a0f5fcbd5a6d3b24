import { assert, assertEquals, assertThrows } from "@std/assert";
import { generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { FormatError } from "../../src/errors.ts";
import {
  CertificateError,
  type CertificateFault,
  type PeerCertificate,
} from "../../src/keys/certificate.ts";
import { rawPublicKey } from "../../src/keys/public_key.ts";
import {
  decodeVoucher,
  encodeVoucher,
  makeVoucher,
  verifyVoucher,
  type VoucherSubject,
} from "../../src/keys/voucher.ts";
import {
  assertGarbageRefused,
  assertMutationsRefusedOrSame,
  assertRefusedOrSame,
  assertTruncationsRefusedOrSame,
} from "../codec/mutation.ts";
import {
  rawOf,
  secondSealingKeys,
  smallOrderSealingKeys,
  smallOrderSigningKeys,
} from "./weak_keys.ts";

const certified = generateKeyPairSync("ec", { namedCurve: "P-256" });
const others = generateKeyPairSync("ec", { namedCurve: "P-256" });
const signing = generateKeyPairSync("ed25519");
const sealing = { publicKey: rawPublicKey(generateKeyPairSync("x25519").publicKey) };

const subject: VoucherSubject = {
  network: "ab".repeat(32),
  name: "alice",
  role: "participant",
  privateKey: certified.privateKey,
  signingKey: signing.privateKey,
  sealingKey: sealing,
};
const authority = { network: subject.network };
const peer: PeerCertificate = {
  name: "alice",
  role: "participant",
  publicKey: certified.publicKey,
  expiresMs: 0,
};
const voucher = makeVoucher(subject);
const again = (bytes: Uint8Array) => encodeVoucher(decodeVoucher(bytes));

Deno.test("verifyVoucher() gives the keys for which a certificate vouches", () => {
  const keys = verifyVoucher(authority, peer, voucher);
  assertEquals([keys.name, keys.role], ["alice", "participant"]);
  assert(keys.signingKey.equals(signing.publicKey));
  assertEquals(keys.sealingKey, sealing.publicKey);
});

const refused: [string, Partial<VoucherSubject>, CertificateFault, string][] = [
  ["for another network", { network: "ac".repeat(32) }, "wrong_network", `not ${"ab".repeat(32)}`],
  ["of another node", { name: "bob" }, "wrong_name", 'of "alice" is that of "bob"'],
  ["of another role", { role: "coordinator" }, "wrong_role", "for a coordinator, its certificate"],
  ["by another key", { privateKey: others.privateKey }, "bad_voucher", "not signed by the key"],
];
for (const [what, change, fault, said] of refused) {
  Deno.test(`verifyVoucher() refuses a voucher ${what}, and says so`, () => {
    assertRefused(makeVoucher({ ...subject, ...change }), fault, said);
  });
}

function assertRefused(bytes: Uint8Array, fault: CertificateFault, said: string): void {
  const error = assertThrows(() => verifyVoucher(authority, peer, bytes), CertificateError, said);
  assertEquals(error.fault, fault);
}

Deno.test("verifyVoucher() refuses a voucher of which one byte was changed, added or taken", () => {
  for (let at = 0; at < voucher.length; at++) {
    for (const change of [1, 0x80, 0xff]) {
      const changed = voucher.slice();
      changed[at]! ^= change;
      const check = () => verifyVoucher(authority, peer, changed);
      assertThrows(check, CertificateError, '"alice"', `byte ${at}`);
    }
  }
  assertRefused(new Uint8Array([...voucher, 0]), "bad_voucher", "1 bytes too many");
  for (let length = 0; length < voucher.length; length++) {
    assertRefused(voucher.slice(0, length), "bad_voucher", 'the voucher of "alice"');
  }
});

Deno.test("a voucher has one encoding, and what is none is refused with a FormatError", () => {
  assertRefusedOrSame(voucher, again, "the voucher");
  assertEquals(again(voucher), voucher);
  assertMutationsRefusedOrSame(voucher, again);
  assertTruncationsRefusedOrSame(voucher, again);
  assertGarbageRefused(voucher.subarray(0, 60), again);
});

Deno.test("decodeVoucher() refuses what can't be a node's name, and another version", () => {
  for (const name of ["", "Alice", "a_b", "a".repeat(32)]) {
    const bytes = encodeVoucher({ ...decodeVoucher(voucher), name });
    assertThrows(() => decodeVoucher(bytes), FormatError, `name "${name}"`);
  }
  const next = voucher.slice();
  next["handfast voucher 1".length] = "2".charCodeAt(0);
  assertThrows(() => decodeVoucher(next), FormatError, '"handfast voucher 2"');
});

const groupOrder = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

Deno.test("the other signature of the same voucher, with n - s, is refused although it verifies", () => {
  const decoded = decodeVoucher(voucher);
  const high = withOtherS(decoded.signature);
  assert(verify("sha256", voucher.slice(0, -64), p1363(certified.publicKey), high));
  const bytes = encodeVoucher({ ...decoded, signature: high });
  assertThrows(() => decodeVoucher(bytes), FormatError, "a second");
  assertRefused(bytes, "bad_voucher", "a second");
});

Deno.test("makeVoucher() signs with the lower s, whichever the platform gives", () => {
  for (let at = 0; at < 20; at++) {
    const name = `n${at}`;
    const bytes = makeVoucher({ ...subject, name });
    assertEquals(verifyVoucher(authority, { ...peer, name }, bytes).name, name);
  }
});

const badSignatures: [string, Uint8Array][] = [
  ["of zeros", new Uint8Array(64)],
  ["with r = 0", new Uint8Array([...new Uint8Array(32), ...new Uint8Array(32).fill(1)])],
  ["with s = 0", new Uint8Array([...new Uint8Array(32).fill(1), ...new Uint8Array(32)])],
  ["with r above n", new Uint8Array([...new Uint8Array(32).fill(255), ...rawOf(1n)])],
];
for (const [what, signature] of badSignatures) {
  Deno.test(`verifyVoucher() refuses a signature ${what}`, () => {
    const bytes = encodeVoucher({ ...decodeVoucher(voucher), signature });
    const error = assertThrows(() => verifyVoucher(authority, peer, bytes), CertificateError);
    assertEquals(error.fault, "bad_voucher");
  });
}

const weak: [string, readonly Uint8Array[]][] = [
  ["signingKey", [...smallOrderSigningKeys, rawOf(2n)]],
  ["sealingKey", [...smallOrderSealingKeys, ...secondSealingKeys]],
];
for (const [which, keys] of weak) {
  Deno.test(`verifyVoucher() refuses a weak ${which}, although it is vouched for`, () => {
    for (const raw of keys) {
      const bytes = which === "sealingKey"
        ? makeVoucher({ ...subject, sealingKey: { publicKey: raw } })
        : vouchedFor(raw);
      assertRefused(bytes, "bad_voucher", raw.toHex());
    }
  });
}

/** A voucher for a signing key of which there is no private half. */
function vouchedFor(signingKey: Uint8Array): Uint8Array {
  const unsigned = encodeVoucher({ ...decodeVoucher(voucher), signingKey }).slice(0, -64);
  const made = new Uint8Array(sign("sha256", unsigned, p1363(certified.privateKey)));
  const isHigh = made[32]! >= 0x80;
  return new Uint8Array([...unsigned, ...(isHigh ? withOtherS(made) : made)]);
}

/** (r, n - s), which verifies wherever (r, s) does. */
function withOtherS(signature: Uint8Array): Uint8Array {
  const s = groupOrder - BigInt(`0x${signature.slice(32).toHex()}`);
  const raw = Uint8Array.fromHex(s.toString(16).padStart(64, "0"));
  return new Uint8Array([...signature.slice(0, 32), ...raw]);
}

function p1363(key: KeyObject): { key: KeyObject; dsaEncoding: "ieee-p1363" } {
  return { key, dsaEncoding: "ieee-p1363" };
}
