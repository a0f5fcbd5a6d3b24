import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { dirname } from "node:path";
import { UsageError } from "../../src/errors.ts";
import { makeLogKey, readLogKey } from "../../src/keys/log_key.ts";

async function inFolder(test: (path: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "handfast-keys-" });
  try {
    await test(`${dir}/log.key`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("makeLogKey() writes 32 random bytes that only their owner can read", () =>
  inFolder(async (path) => {
    await makeLogKey(path);
    const text = await Deno.readTextFile(path);
    assertMatch(text, /^[0-9a-f]{64}\n$/);
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
    assertEquals((await readLogKey(path)).secret.toHex(), text.trim());
    await makeLogKey(`${path}.2`);
    assertEquals(await Deno.readTextFile(`${path}.2`) === text, false);
  }));

Deno.test("makeLogKey() replaces no file", () =>
  inFolder(async (path) => {
    await Deno.writeTextFile(path, "mine");
    await assertRejects(() => makeLogKey(path), UsageError, "it exists");
    assertEquals(await Deno.readTextFile(path), "mine");
    await assertRejects(() => makeLogKey(`${path}/x/y`));
    await assertRejects(() => makeLogKey(`${path}-none/y`), UsageError, "no such folder");
  }));

Deno.test("makeLogKey() takes the name of a file in the folder where it is", () =>
  inFolder(async (path) => {
    const before = Deno.cwd();
    Deno.chdir(dirname(path));
    try {
      await makeLogKey("log.key");
    } finally {
      Deno.chdir(before);
    }
    const { secret } = await readLogKey(path);
    assertEquals(secret.length, 32);
    assertEquals((await Array.fromAsync(Deno.readDir(dirname(path)))).length, 1);
  }));

Deno.test("makeLogKey() needs no links, and replaces no file without them", () =>
  inFolder(async (path) => {
    const { link } = Deno;
    Deno.link = () => Promise.reject(new Deno.errors.NotSupported("no links"));
    try {
      await makeLogKey(path);
      const text = await Deno.readTextFile(path);
      assertMatch(text, /^[0-9a-f]{64}\n$/);
      assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
      await assertRejects(() => makeLogKey(path), UsageError, "it exists");
      assertEquals(await Deno.readTextFile(path), text);
    } finally {
      Deno.link = link;
    }
  }));

const digits = "0123456789abcdef".repeat(4);
const refused: readonly [claim: string, write: (path: string) => Promise<unknown>, said: string][] =
  [
    ["one that is not there", () => Promise.resolve(), "handfast log-key "],
    ["a folder", (path) => Deno.mkdir(path, { mode: 0o700 }), "it is no file"],
    ["one that its group can read", (path) => write(path, `${digits}\n`, 0o640), "chmod 600 "],
    ["one that all can write", (path) => write(path, `${digits}\n`, 0o602), "chmod 600 "],
    ["an empty one", (path) => write(path, ""), "64 hexadecimal digits"],
    ["one of too few digits", (path) => write(path, digits.slice(1)), "64 hexadecimal digits"],
    ["one of too many digits", (path) => write(path, `${digits}0`), "64 hexadecimal digits"],
    ["two keys", (path) => write(path, `${digits}\n${digits}\n`), "64 hexadecimal digits"],
  ];
for (const [claim, make, said] of refused) {
  Deno.test(`readLogKey() refuses ${claim}, with what to do`, () =>
    inFolder(async (path) => {
      await make(path);
      const error = await assertRejects(() => readLogKey(path), UsageError, said);
      assertEquals(error.message.includes(path), true, error.message);
      assertEquals(error.message.includes(digits), false, "it tells the key");
    }));
}

Deno.test("readLogKey() takes digits without a line's end, in either case", () =>
  inFolder(async (path) => {
    await write(path, digits.toUpperCase());
    assertEquals((await readLogKey(path)).secret.toHex(), digits);
  }));

async function write(path: string, text: string, mode = 0o600): Promise<void> {
  await Deno.writeTextFile(path, text);
  await Deno.chmod(path, mode);
}
