import { assertEquals } from "@std/assert";
import { formsIn, formsInFile, formsInMemory, needlesOf } from "./needles.ts";

const number = "4929738216503947";
const needles = needlesOf(number);

Deno.test("a card number is found in each of its forms, wherever it stands, and nowhere else", () => {
  for (const { form, bytes } of needles) {
    for (const at of [0, 1, 70]) {
      const haystack = new Uint8Array(at + bytes.length + 3);
      haystack.set(bytes, at);
      assertEquals(formsIn(haystack, needles).includes(form), true, form);
      haystack[at + bytes.length - 1]! ^= 0x80;
      assertEquals(formsIn(haystack, needles).includes(form), false, form);
    }
  }
  const masked = new TextEncoder().encode("492973******3947 4929 3947 0000000000000000");
  assertEquals(formsIn(masked, needles), []);
});

Deno.test("what lies across the border of two reads of a file is found", async () => {
  const path = await Deno.makeTempFile();
  const read = 16 * 1024 * 1024;
  try {
    for (const at of [0, read - 8, read, 2 * read - 1, 2 * read + 5]) {
      const bytes = new Uint8Array(2 * read + 40);
      bytes.set(new TextEncoder().encode(number), at);
      await Deno.writeFile(path, bytes);
      assertEquals((await formsInFile(path, needles)).includes("digits"), true, `${at}`);
    }
    await Deno.writeFile(path, new Uint8Array(2 * read + 40));
    assertEquals(await formsInFile(path, needles), []);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test({
  name: "a number in the memory of a process is found",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    for (const has of [true, false]) {
      const text = has ? `"${number.slice(0, 9)}" + "${number.slice(9)}"` : '"nothing"';
      const program = `globalThis.kept = [${text}].join(""); ` +
        "globalThis.bytes = new TextEncoder().encode(kept); " +
        'console.log("ready"); setInterval(() => {}, 1000)';
      const child = new Deno.Command(Deno.execPath(), {
        args: ["eval", program],
        stdout: "piped",
        stderr: "null",
      }).spawn();
      const reader = child.stdout.getReader();
      try {
        await reader.read();
        const { forms, bytes } = await formsInMemory(child.pid, needles);
        assertEquals(forms.includes("digits"), has);
        assertEquals(bytes > 1024 * 1024, true, `${bytes} bytes`);
      } finally {
        child.kill("SIGKILL");
        await reader.cancel();
        await child.status;
      }
    }
  },
});
