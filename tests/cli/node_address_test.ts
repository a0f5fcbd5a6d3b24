import { assertEquals, assertStringIncludes } from "@std/assert";
import { fakeNode } from "./recorder.ts";

const main = new URL("../../main.ts", import.meta.url).pathname;
const config = new URL("../../deno.json", import.meta.url).pathname;

Deno.test("the process finds the only node in data, wants a name among several, and exits so", async () => {
  await using node = await fakeNode((request) =>
    Response.json(request.url.endsWith("/v1/status") ? { name: "alice" } : { accounts: [] })
  );
  const folder = await Deno.makeTempDir();
  try {
    const none = await handfast(folder, "balance");
    assertEquals([none.code, none.out], [1, ""]);
    assertStringIncludes(none.err, "no running node found");

    await writeNode(folder, "alice", node.url);
    const one = await handfast(folder, "balance", "--json");
    assertEquals([one.code, one.out, one.err], [0, '{"accounts":[]}\n', ""]);

    await writeNode(folder, "bob", node.url);
    const several = await handfast(folder, "balance");
    assertEquals(several.code, 1);
    assertStringIncludes(several.err, "(alice, bob): say which by --name NAME");
    assertEquals((await handfast(folder, "balance", "--name", "bob")).code, 0);
    assertEquals((await handfast(folder, "balance", "--data", "data/alice")).code, 0);
    const both = ["balance", "--data", "data/bob", "--name"];
    const same = await handfast(folder, ...both, "alice");
    assertEquals([same.code, same.err], [0, ""]);
    const other = await handfast(folder, ...both, "bob");
    assertEquals(other.code, 2);
    assertStringIncludes(other.err, `"data/bob" is the folder of "alice", and not of --name bob`);
    assertEquals((await handfast(folder, "balnce")).code, 2);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function writeNode(folder: string, name: string, url: string): Promise<void> {
  const data = `${folder}/data/${name}`;
  await Deno.mkdir(data, { recursive: true });
  await Deno.writeTextFile(`${data}/api.json`, JSON.stringify({ url }));
  await Deno.writeTextFile(`${data}/token`, "secret");
}

async function handfast(cwd: string, ...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--config", config, main, ...args],
    cwd,
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}
