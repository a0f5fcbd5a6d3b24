import { assertEquals, assertStringIncludes } from "@std/assert";
import { loadIdentity } from "../../src/keys/identity.ts";
import { initCertificates } from "../../src/keys/init.ts";
import { Links } from "../../src/link/links.ts";
import { RecordingHost } from "../link/network.ts";
import { record } from "./recorder.ts";

type Spoil = (dir: string) => Promise<unknown>;
const day = 24 * 60 * 60_000;

const rows: readonly [what: string, spoil: Spoil, level: string, said: string, exit: number][] = [
  ["nothing wrong", () => Promise.resolve(), "ok", "days more", 0],
  ["a key that others can read", (dir) => Deno.chmod(`${dir}/a.key`, 0o644), "fail", "0644", 1],
  [
    "another's key",
    (dir) => Deno.copyFile(`${dir}/ca.key`, `${dir}/a.key`),
    "fail",
    "not the key",
    1,
  ],
  [
    "a sealing key that others can read",
    (dir) => Deno.chmod(`${dir}/a.sealing.key`, 0o644),
    "fail",
    "0644",
    1,
  ],
  [
    "a signing key for a sealing key",
    (dir) => Deno.copyFile(`${dir}/a.signing.key`, `${dir}/a.sealing.key`),
    "fail",
    "no X25519 key",
    1,
  ],
  ["keys of an older version", removeOwnKeys, "ok", "days more", 0],
  ["no CA", (dir) => Deno.remove(`${dir}/ca.pem`), "fail", "no such file", 1],
  [
    "a request not signed",
    (dir) => Deno.remove(`${dir}/a.pem`),
    "warn",
    "without a certificate",
    0,
  ],
  ["an expired certificate", (dir) => again(dir, -2), "fail", "expired", 1],
  ["a certificate about to expire", (dir) => again(dir, 20), "warn", "19 days more", 0],
];
for (const [what, spoil, level, said, exit] of rows) {
  Deno.test(`doctor on ${what} says ${level} and exits ${exit}`, async () => {
    const dir = await Deno.makeTempDir();
    try {
      await initCertificates({ dir, nodes: ["a"] });
      await spoil(dir);
      const found = await record("doctor", "--certs", dir, "--json");
      const findings = found.out.map((line) => JSON.parse(line));
      const hits = findings.filter((one) => one.level === level && one.detail.includes(said));
      assertEquals([hits.length > 0, found.exit], [true, exit], found.out.join("\n"));
      const isFine = findings.every((one) => one.level === "ok");
      assertEquals(isFine, level === "ok", found.out.join("\n"));
      for (const one of findings) assertEquals(one.next === undefined, one.level === "ok");
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
}

async function removeOwnKeys(dir: string): Promise<void> {
  for (const kind of ["signing", "sealing"]) await Deno.remove(`${dir}/a.${kind}.key`);
}

Deno.test("doctor names folders that are none, and a CA that it lacks", async () => {
  const found = await record(
    "doctor",
    "--certs=/nowhere",
    "--data=/nowhere",
    "--server=127.0.0.1:1",
  );
  assertEquals(found.exit, 1);
  assertEquals(
    found.out.filter((line) => line.startsWith("fail")).map((line) => line.slice(5, 21)),
    [
      "/nowhere: there ",
      "/nowhere: it hol",
      "coordinator: 127",
    ],
  );
});

Deno.test("doctor looks whether a node could link with the coordinator", async () => {
  const [dir, foreign] = [await Deno.makeTempDir(), await Deno.makeTempDir()];
  for (const  of of[dir, foreign]) await initCertificates({ dir: of, nodes: ["hub", "a"] });
  const identity = await loadIdentity({ certs: dir, name: "hub" });
  const links = new Links({ identity, host: new RecordingHost() });
  const { port } = links.listen({ hostname: "127.0.0.1", port: 0 });
  const server = `127.0.0.1:${port}`;
  const look = async (certs: string, ...flags: string[]) => {
    const { out, exit } = await record("doctor", "--certs", certs, "--server", server, ...flags);
    return [out.findLast((line) => line.includes(server)), exit];
  };
  const fault = (name: string, code: string) =>
    `fail ${name}: no TLS with "${name}" at ${server}: ${code}`;
  try {
    assertEquals(await look(dir, "--server-name", "hub"), [
      `ok   hub: ${server} takes links, and is hub`,
      0,
    ]);
    for (
      const [certs, flags, said] of [
        [dir, [], fault("coordinator", "wrong_name")],
        [foreign, ["--server-name", "hub"], fault("hub", "wrong_network")],
      ] as const
    ) {
      const [line, exit] = await look(certs, ...flags);
      assertStringIncludes(String(line), said);
      assertEquals(exit, 1);
    }
  } finally {
    await links.close();
    for (const  of of[dir, foreign]) await Deno.remove(of, { recursive: true });
  }
});

function again(dir: string, validityDays: number): Promise<unknown> {
  const nowMs = validityDays < 0 ? Date.now() + validityDays * day : Date.now();
  const options = { dir, nodes: ["a"], coordinator: "a", force: true, nowMs };
  return initCertificates({
    ...options,
    validityDays: Math.abs(validityDays) - (validityDays < 0 ? 1 : 0),
  });
}
