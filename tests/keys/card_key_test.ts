import { assert, assertEquals, assertRejects } from "@std/assert";
import { createHmac } from "node:crypto";
import { UsageError } from "../../src/errors.ts";
import { CardKey, readCardKey, writeCardKey } from "../../src/keys/card_key.ts";

const secret = new Uint8Array(32).fill(7);
const number = "4111111111111111";

Deno.test("a number's hash is HMAC-SHA-256 under the key, and another under another", () => {
  const expected = createHmac("sha256", secret).update(`handfast card number ${number}`);
  assertEquals(new CardKey(secret).hashOf(number), expected.digest("hex"));
  assert(CardKey.make().hashOf(number) !== CardKey.make().hashOf(number));
});

Deno.test("a CVV is of the number, its expiry and the key; three digits, zeros too", () => {
  const key = new CardKey(secret);
  const cvv = key.cvvOf(number, "12/29");
  assertEquals(new CardKey(secret).cvvOf(number, "12/29"), cvv);
  assertEquals(key.isCvv(cvv, number, "12/29"), true);
  const wrong = String((Number(cvv) + 1) % 1000).padStart(3, "0");
  for (const given of [wrong, `${cvv}0`, `0${cvv}`, cvv.slice(1), ""]) {
    assertEquals(key.isCvv(given, number, "12/29"), false, given);
  }
  const months = Array.from({ length: 12 }, (_, i) => `${i + 1}`.padStart(2, "0"));
  const all = months.flatMap((month) =>
    Array.from({ length: 90 }, (_, i) => key.cvvOf(number, `${month}/${i + 10}`))
  );
  assert(all.every((cvv) => /^\d{3}$/.test(cvv)));
  assert(all.some((cvv) => cvv.startsWith("0")));
  // Of 1000 values about 660 are hit by 1080 draws.
  assert(new Set(all).size > 550);
});

Deno.test("a key is kept in a file of its own, for its owner alone, and never replaced", async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/card.key`;
  try {
    assertEquals(await readCardKey(path), undefined);
    const key = CardKey.make();
    await writeCardKey(path, key);
    assertEquals(((await Deno.stat(path)).mode ?? 0o600) & 0o777, 0o600);
    assertEquals((await readCardKey(path))?.hashOf(number), key.hashOf(number));
    await assertRejects(
      () => writeCardKey(path, CardKey.make()),
      UsageError,
      "there is a card key",
    );
    assertEquals((await readCardKey(path))?.hashOf(number), key.hashOf(number));
    await Deno.chmod(path, 0o640);
    await assertRejects(() => readCardKey(path), UsageError, "mode 0640");
    await Deno.chmod(path, 0o600);
    for (const text of ["", "00", `${"0".repeat(63)}g`]) {
      await Deno.writeTextFile(path, text);
      await assertRejects(() => readCardKey(path), UsageError, "64 hexadecimal digits");
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
