/** `proof` writes what a node gives out; `verify-proof` tells what holds from what does not by its exit code. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { bytesOf } from "../../src/cli/io.ts";
import { proofBytesMax } from "../../src/limits.ts";
import { fakeNode, record, recordBytes } from "./recorder.ts";
import { inFolder } from "../keys/in_folder.ts";

const id = "0190f5d0-7b1a-7c3e-9f00-3b6f2a1c4d5e";
const bytes = Uint8Array.of(0xfb, 0xff, 1, 2, 3);

function proofNode(paths: string[] = []) {
  return fakeNode((request) => {
    const { pathname } = new URL(request.url);
    paths.push(`${request.method} ${pathname}`);
    if (pathname === `/v1/payments/${id}/proof`) {
      return Response.json({ id, proof: bytes.toBase64() });
    }
    const detail = "Of this payment no outcome is known here that was signed";
    return Response.json({ code: "proof_not_found", detail }, { status: 404 });
  });
}

Deno.test("proof writes the certificate of a payment into a file", () =>
  inFolder(async (folder) => {
    const paths: string[] = [];
    await using node = await proofNode(paths);
    const file = `${folder}/it.proof`;
    const { exit, out, err } = await record("proof", id, "--out", file, ...node.flags);
    assertEquals([exit, out, err], [0, [`wrote ${file}: 5 bytes`], []]);
    assertEquals(paths, [`GET /v1/payments/${id}/proof`]);
    assertEquals(await Deno.readFile(file), bytes);
  }));

Deno.test("proof --out - writes the certificate to stdout, and nothing else there", () =>
  inFolder(async (folder) => {
    await using node = await proofNode();
    const none = new Uint8Array();
    const written = await recordBytes(none, "proof", id, "--out", "-", ...node.flags);
    assertEquals(written, { exit: 0, out: [], err: [], bytes });
    const both = ["proof", id, "--out=-", "--json", ...node.flags];
    const refused = await recordBytes(none, ...both);
    assertEquals([refused.exit, refused.out, refused.bytes], [2, [], none]);
    assertStringIncludes(refused.err.join(), "--json and --out - both write to stdout");

    const certs = `${folder}/certs`;
    assertEquals((await record("init", "--ca-only", "--certs", certs)).exit, 0);
    const ca = ["--ca", `${certs}/ca.pem`];
    const read = await recordBytes(bytes, "verify-proof", "-", ...ca);
    assertEquals([read.exit, read.err], [5, []]);
    assertStringIncludes(read.out.join(), '"-" proves nothing');
  }));

Deno.test("verify-proof tells what is missing, which claims nothing, from what is no proof", () =>
  inFolder(async (folder) => {
    assertEquals((await record("init", "--ca-only", "--certs", folder)).exit, 0);
    const verify = ["verify-proof", "-", "--ca", `${folder}/ca.pem`];
    const { exit, out, err } = await recordBytes(new Uint8Array(), ...verify, "--json");
    assertEquals([exit, out], [1, []]);
    assertStringIncludes(err.join(), "nothing came on stdin: did the command fail");
    const long = await recordBytes(new Uint8Array(proofBytesMax + 1), ...verify);
    assertEquals([long.exit, long.out], [
      5,
      ['"-" proves nothing: it is longer than 2097152 bytes, which no proof is'],
    ]);
  }));

Deno.test("bytesOf() reads no more of a stream than shows that it is too long", async () => {
  let pulled = 0;
  const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => controller.enqueue(Uint8Array.of(++pulled, 0)),
  }, { highWaterMark: 0 });
  assertEquals(await bytesOf(endless, 4), Uint8Array.of(1, 0, 2, 0, 3, 0));
  assertEquals(pulled, 3);
  assertEquals(await bytesOf(new Response("abcd").body!, 4), new TextEncoder().encode("abcd"));
});

Deno.test("proof leaves a file that is there as it is", () =>
  inFolder(async (folder) => {
    await using node = await proofNode();
    const file = `${folder}/it.proof`;
    await Deno.writeTextFile(file, "mine");
    const { exit, out, err } = await record("proof", id, "--out", file, ...node.flags);
    assertEquals([exit, out], [2, []]);
    assertStringIncludes(err.join(), `"${file}" exists: name another file with --out`);
    assertEquals(await Deno.readTextFile(file), "mine");
  }));

Deno.test("proof says that there is none, and writes nothing", () =>
  inFolder(async (folder) => {
    await using node = await proofNode();
    const [file, unknown] = [`${folder}/it.proof`, id.replace("5e", "5f")];
    const { exit, err } = await record("proof", unknown, "--out", file, ...node.flags);
    assertEquals(exit, 1);
    assertStringIncludes(err.join(), "no outcome is known here that was signed");
    assertEquals([...Deno.readDirSync(folder)], []);
  }));

const refused: [line: string, named: RegExp][] = [
  ["proof", /PAYMENT/],
  ["proof 7", /PAYMENT "7"/],
  ["proof PAYMENT --oud x", /did you mean --out/],
  ["verify-proof", /FILE/],
  ["verify-proof FOLDER/none", /Cannot read "FOLDER\/none"/],
  ["verify-proof FOLDER/some", /--ca/],
  ["verify-proof FOLDER/some --ca FOLDER/none", /Cannot read "FOLDER\/none"/],
  ["verify-proof FOLDER/some --ca FOLDER/some", /--ca "FOLDER\/some" is no certificate/],
  ["verify-proof FOLDER/some FOLDER/some --ca FOLDER/some", /unexpected/],
];

for (const [line, named] of refused) {
  Deno.test(`handfast ${line} is a usage error`, () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/some`, "nothing");
      const words = line.replace(/ID/, id).split(" ");
      const argv = words.map((word) => word.replace("FOLDER", folder));
      const { exit, out, err } = await record(...argv);
      assertEquals([exit, out], [2, []]);
      assertMatch(err.join().replaceAll(folder, "FOLDER"), named);
    }));
}

Deno.test("verify-proof takes no node's certificate for its CA's", () =>
  inFolder(async (folder) => {
    const [certs, file] = [`${folder}/certs`, `${folder}/it.proof`];
    assertEquals((await record("init", "--certs", certs, "--nodes", "hub,alice")).exit, 0);
    await Deno.writeFile(file, bytes);
    const { exit, err } = await record("verify-proof", file, "--ca", `${certs}/alice.pem`);
    assertEquals(exit, 2);
    assertStringIncludes(err.join(), "is the certificate of a node: name that of its CA, ca.pem");
  }));

Deno.test("verify-proof ends with 5 where a file proves nothing, and says why", () =>
  inFolder(async (folder) => {
    const [certs, file] = [`${folder}/certs`, `${folder}/it.proof`];
    assertEquals((await record("init", "--ca-only", "--certs", certs)).exit, 0);
    await Deno.writeFile(file, bytes);
    const argv = ["verify-proof", file, "--ca", `${certs}/ca.pem`];
    const { exit, out, err } = await record(...argv);
    assertEquals([exit, err], [5, []]);
    const said = `"${file}" proves nothing: it can't be read, so it is no proof of a payment, or`;
    assertStringIncludes(out.join(), said);
    const json = await record(...argv, "--json");
    assertEquals(json.exit, 5);
    const { holds, reason } = JSON.parse(json.out.join());
    assertEquals(holds, false);
    assertStringIncludes(reason, "it can't be read");
  }));

Deno.test("help lists proof and verify-proof", async () => {
  const { out } = await record("help");
  for (const command of ["proof", "verify-proof"]) {
    assertMatch(out.join("\n"), RegExp(`^ +handfast ${command} +\\w`, "m"));
    const { exit, out: help } = await record("help", command);
    assertEquals(exit, 0);
    assertMatch(
      help.join("\n"),
      command === "proof" ? /- is stdout/ : /FILE may be -, which reads/,
    );
  }
});
