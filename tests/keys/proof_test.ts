import { assert, assertEquals } from "@std/assert";
import { generateKeyPairSync } from "node:crypto";
import { type ProofSubject, signProof, verifyProof } from "../../src/keys/proof.ts";

const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
const others = generateKeyPairSync("ec", { namedCurve: "P-256" });

const subject: ProofSubject = {
  version: 1,
  dialer: { name: "alice", role: "participant", nonce: new Uint8Array(32).fill(1) },
  listener: { name: "coordinator", role: "coordinator", nonce: new Uint8Array(32).fill(2) },
  listenerFingerprint: new Uint8Array(32).fill(3),
};
const { dialer, listener } = subject;

const changes: [string, ProofSubject][] = [
  ["another version", { ...subject, version: 2 }],
  ["another dialer", { ...subject, dialer: { ...dialer, name: "bob" } }],
  ["another role of the dialer", { ...subject, dialer: { ...dialer, role: "coordinator" } }],
  ["another nonce of the dialer", { ...subject, dialer: { ...dialer, nonce: listener.nonce } }],
  ["another listener", { ...subject, listener: { ...listener, name: "bob" } }],
  ["another role of the listener", { ...subject, listener: { ...listener, role: "participant" } }],
  ["another nonce of the listener", { ...subject, listener: { ...listener, nonce: dialer.nonce } }],
  ["another listener's certificate", { ...subject, listenerFingerprint: dialer.nonce }],
  ["the other direction", { ...subject, dialer: listener, listener: dialer }],
  ["a letter moved to the field before", {
    ...subject,
    dialer: { ...dialer, name: "lice", nonce: new Uint8Array([...dialer.nonce, 97]) },
  }],
];

Deno.test("verifyProof() takes the proof of what was signed", () => {
  assert(verifyProof(subject, keys.publicKey, signProof(subject, keys.privateKey)));
});

for (const [what, changed] of changes) {
  Deno.test(`verifyProof() refuses a proof for ${what}`, () => {
    assertEquals(verifyProof(changed, keys.publicKey, signProof(subject, keys.privateKey)), false);
  });
}

Deno.test("verifyProof() refuses another key's signature and bytes that are none", () => {
  assertEquals(verifyProof(subject, keys.publicKey, signProof(subject, others.privateKey)), false);
  for (const length of [0, 1, 64, 72]) {
    assertEquals(verifyProof(subject, keys.publicKey, new Uint8Array(length)), false);
  }
});
