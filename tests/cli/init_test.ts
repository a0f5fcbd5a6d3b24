import { assertEquals, assertStringIncludes } from "@std/assert";
import { record } from "./recorder.ts";

Deno.test("init tells the roles, and that one name alone makes a coordinator without participants", async () => {
  const dir = await Deno.makeTempDir({ prefix: "handfast-init-" });
  try {
    const made = await record("init", "--certs", dir, "--nodes", "hub");
    assertEquals(made.exit, 0);
    assertEquals(made.out.slice(0, 4), [
      `made a CA in ${dir}`,
      "made hub (coordinator)",
      "hub is the coordinator of a new network; now name its participants:",
      `  handfast init --certs ${dir} --nodes NAMES`,
    ]);
    const more = await record("init", "--certs", dir, "--nodes", "bob");
    assertEquals(more.out.slice(0, 2), [`used the CA in ${dir}`, "made bob (participant)"]);
    assertStringIncludes(more.out[2]!, "to run them");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
