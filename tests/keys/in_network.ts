import { initCertificates } from "../../src/keys/init.ts";

/** Calls `use` with the folder of the certificates of a new network. */
export async function inNetwork(
  nodes: readonly string[],
  use: (dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await initCertificates({ dir, nodes });
    await use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
