import { initCertificates } from "../../src/keys/init.ts";

/** Calls `use` with an empty folder, which is gone afterwards. */
export async function inFolder(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Calls `use` with the folder of the certificates of a new network. */
export function inNetwork(
  nodes: readonly string[],
  use: (dir: string) => Promise<void>,
): Promise<void> {
  return inFolder(async (dir) => {
    await initCertificates({ dir, nodes });
    await use(dir);
  });
}
