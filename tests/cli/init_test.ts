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

const networks: readonly [runs: string[], server: string][] = [
  [["--nodes clearing,nord"], "--server 127.0.0.1:7443 --server-name clearing"],
  [
    ["--nodes nord,clearing --coordinator clearing"],
    "--server 127.0.0.1:7443 --server-name clearing",
  ],
  [["--nodes clearing", "--nodes nord"], "--server 127.0.0.1:7443 --server-name clearing"],
  [
    ["--nodes clearing", "--nodes nord --coordinator clearing"],
    "--server 127.0.0.1:7443 --server-name clearing",
  ],
  [["--nodes coordinator,nord"], "--server 127.0.0.1:7443"],
  // Whose key is made elsewhere is not known here.
  [["--ca-only", "--nodes nord"], "--server 127.0.0.1:7443"],
];

for (const [runs, server] of networks) {
  Deno.test(`init ${runs.join(", init ")} tells how nord finds its coordinator`, async () => {
    const dir = await Deno.makeTempDir({ prefix: "handfast-init-" });
    try {
      let out: readonly string[] = [];
      for (const flags of runs) {
        const made = await record("init", "--certs", dir, ...flags.split(" "));
        assertEquals(made.exit, 0);
        ({ out } = made);
      }
      assertEquals(out.filter((line) => line.includes("--role=client")), [
        `  handfast --role=client --certs ${dir} --name nord ${server} --open main=1000.00:USD`,
      ]);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
}

const makers: readonly [command: string, flags: string][] = [
  ["init", "--nodes hub,nord"],
  ["csr", "--name nord --role client"],
];
for (const [command, flags] of makers) {
  Deno.test(`${command} --force says which keys stay, and how to replace them`, async () => {
    const dir = await Deno.makeTempDir({ prefix: "handfast-init-" });
    const make = async (...more: string[]) => {
      const { exit, out } = await record(command, "--certs", dir, ...flags.split(" "), ...more);
      assertEquals(exit, 0);
      return out;
    };
    const keptIn = (out: readonly string[]) => out.filter((line) => line.startsWith("kept "));
    try {
      assertEquals(keptIn(await make("--force")), []);
      await Deno.remove(`${dir}/nord.signing.key`);
      const [line = "none", ...others] = keptIn(await make("--force"));
      assertEquals(others, []);
      assertStringIncludes(line, `${dir}/nord.sealing.key: whoever has stolen the old key`);
      assertStringIncludes(line, "move them away: the node makes others at its next start");
      const { kept } = JSON.parse((await make("--force", "--json"))[0]!);
      const names = command === "init" ? ["hub", "nord"] : ["nord"];
      const paths = names.flatMap((name) => [
        `${dir}/${name}.signing.key`,
        `${dir}/${name}.sealing.key`,
      ]);
      assertEquals(kept, paths);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
}

Deno.test("csr --renew keeps key and hosts, or takes other hosts, and never a new key with it", async () => {
  const dir = await Deno.makeTempDir({ prefix: "handfast-init-" });
  const csr = (...more: string[]) =>
    record("csr", "--certs", dir, "--name=nord", "--role=client", ...more);
  try {
    await csr("--hosts=a.example");
    await record("init", "--certs", `${dir}/ca`, "--ca-only");
    await record("sign", `${dir}/nord.csr`, "--certs", `${dir}/ca`);
    await Deno.copyFile(`${dir}/ca/nord.pem`, `${dir}/nord.pem`);
    const key = await Deno.readTextFile(`${dir}/nord.key`);
    const renewed = await csr("--renew", "--json");
    const { hosts, written } = JSON.parse(renewed.out[0]!);
    assertEquals([hosts, written], [["a.example"], [`${dir}/nord.csr`]]);
    const { exit, out } = await csr("--renew", "--hosts=b.example");
    assertEquals([exit, out[0]], [
      0,
      `made ${dir}/nord.csr, for the key in ${dir}/nord.key, which stays`,
    ]);
    assertEquals(await Deno.readTextFile(`${dir}/nord.key`), key);
    const signed = await record("sign", `${dir}/nord.csr`, "--certs", `${dir}/ca`);
    assertEquals([signed.exit, signed.out[3]], [0, "  hosts        b.example"]);
    assertEquals((await csr("--renew", "--force")).exit, 2);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
