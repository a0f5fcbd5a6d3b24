import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { exists } from "../../src/keys/folder.ts";
import { initCertificates } from "../../src/keys/init.ts";
import { record, recordAnswering } from "./recorder.ts";
import { inNetwork } from "../keys/in_folder.ts";

const nodes = ["coordinator", "alice"];

Deno.test("revoke says what it has ended, and where the list belongs", async () => {
  await inNetwork(nodes, async (dir) => {
    const { exit, out } = await record("revoke", "alice", "--certs", dir, "--yes");
    assertEquals(exit, 0);
    assertEquals(out[0], "revoked 1 certificate of alice:");
    assertMatch(out[1]!, /^ {2}key SHA256:[0-9a-f]{64}, valid until \d{4}-.* UTC$/);
    assertEquals(out[2], `wrote ${dir}/ca.crl, the CA's list 1. It is no secret; next:`);
    const again = await record("revoke", "alice", "--certs", dir, "--yes");
    assertEquals([again.exit, again.out], [2, []]);
    assertStringIncludes(
      again.err.join(),
      "no certificate of that name counts: all that were signed",
    );
  });
});

Deno.test("revoke --json names each certificate by its serial number", async () => {
  await inNetwork(nodes, async (dir) => {
    await initCertificates({ dir, nodes: ["alice"], force: true });
    const { out } = await record("revoke", "alice", "--certs", dir, "--yes", "--json");
    const { name, list, number, revoked } = JSON.parse(out.join());
    assertEquals([name, list, number, revoked.length], ["alice", `${dir}/ca.crl`, 1, 2]);
    assertMatch(revoked[0].serial, /^[0-9a-f]{32}$/);
    assertMatch(revoked[1].expires, /^\d{4}-.*Z$/);
  });
});

Deno.test("revoke asks at a terminal, and does nothing where it is not agreed to", async () => {
  await inNetwork(nodes, async (dir) => {
    const made = () => exists(`${dir}/ca.crl`);
    const alone = await record("revoke", "alice", "--certs", dir);
    assertEquals([alone.exit, await made()], [2, false]);
    assertStringIncludes(alone.err.join(), "add --yes to do it");
    const no = await recordAnswering(false, "revoke", "alice", "--certs", dir);
    assertEquals([no.exit, await made()], [1, false]);
    assertStringIncludes(no.err.join("\n"), "certificates of alice that count:\n  key SHA256:");
    assertStringIncludes(no.err.join("\n"), "End it for good?");
    const yes = await recordAnswering(true, "revoke", "alice", "--certs", dir);
    assertEquals([yes.exit, await made()], [0, true]);
  });
});
