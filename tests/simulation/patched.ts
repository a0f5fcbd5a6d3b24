/** Copies of the source with something changed in it: bugs for the simulator, traitors for the tests. */

const root = new URL("../../", import.meta.url);

export interface Patch {
  readonly file: string;
  /** Stands in the file once; what is not said of it stays. */
  readonly find: string;
  readonly replace: string;
}

/** A folder to be removed by whoever asked for it; its `main.ts` is the changed program. */
export async function patchedCopy(patches: readonly Patch[]): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "handfast-patched-" });
  for (const name of ["main.ts", "deno.json", "deno.lock"]) {
    await Deno.copyFile(new URL(name, root), `${folder}/${name}`);
  }
  await copyFolder(new URL("src/", root), `${folder}/src`);
  for (const { file, find, replace } of patches) {
    const path = `${folder}/${file}`;
    const parts = (await Deno.readTextFile(path)).split(find);
    if (parts.length !== 2) {
      const times = parts.length - 1;
      throw new Error(`what is to be changed stands in ${file} ${times} times: ${find}`);
    }
    await Deno.writeTextFile(path, parts.join(replace));
  }
  return folder;
}

async function copyFolder(from: URL, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(new URL(`${name}/`, from), `${to}/${name}`);
    else await Deno.copyFile(new URL(name, from), `${to}/${name}`);
  }
}
