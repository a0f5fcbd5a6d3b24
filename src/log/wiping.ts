/**
 * What SQLite keeps of values that are gone, and how it is made to forget them.
 *
 * A value that is overwritten by one as long is, as a rule, overwritten in its place in the file once the
 * write-ahead file is checkpointed. But pages that were split or merged before may hold copies of it in
 * space that is free now, and the write-ahead file has older images of pages until it is begun anew.
 * (Measured: of 1,986 values so overwritten 177 had left something in the closed file, 61 all of it; of
 * values that are only deleted most leave all.) So all that is free is filled with zeros, and the table is
 * written anew from what can be read, while SQLite zeroes what it frees; `VACUUM`, which would do as much,
 * is not to be had with less than all of Deno's permissions. It needs the file for itself, so it is done
 * when the node stops, or when it starts after a crash; a file beside the log says that it is due.
 *
 * What this can't reach: blocks of the disk that the file has given back, cells of an SSD that its
 * controller has replaced, snapshots and backups.
 */

import { DatabaseSync } from "node:sqlite";

const fillerBytesMax = 64 * 1024 * 1024;

/** A wiping write is about to be committed. */
export async function willWipe(path: string): Promise<void> {
  await sync(noteOf(path), { write: true, create: true });
  // Also its name: after a crash it must be there if the write is.
  const folder = path.slice(0, path.lastIndexOf("/") + 1) || ".";
  if (Deno.build.os !== "windows") await sync(folder, { read: true });
}

/** Whether something wiped may still be found in a file. */
export async function isWipingDue(path: string): Promise<boolean> {
  try {
    await Deno.lstat(noteOf(path));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Leaves in a log's file nothing but what can be read from it. Nobody may have it open.
 *
 * @throws {Error} if there is no room for a second copy of it, for instance; the log is whole then
 */
export function wipeFreed(path: string): void {
  const database = new DatabaseSync(path);
  try {
    // The last connection of the log may just be closing.
    database.exec("PRAGMA busy_timeout = 2000");
    database.exec("PRAGMA secure_delete = ON");
    database.exec("BEGIN IMMEDIATE");
    fillFree(database);
    writeAnew(database);
    database.exec("COMMIT");
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } finally {
    database.close();
  }
  Deno.removeSync(noteOf(path));
}

/** Takes all free pages, and gives them back full of zeros. */
function fillFree(database: DatabaseSync): void {
  const [pages, bytes] = [pragma(database, "freelist_count"), pragma(database, "page_size")];
  database.exec("CREATE TABLE filler (zeros BLOB)");
  const fill = database.prepare("INSERT INTO filler VALUES (zeroblob(?))");
  for (let left = pages * bytes; left > 0; left -= fillerBytesMax) {
    fill.run(Math.min(left, fillerBytesMax));
  }
  database.exec("DROP TABLE filler");
}

/**
 * Deno KV's one table of values. Their old pages are zeroed as they are freed. Its indexes go with it and
 * are made again: without that of values that expire, Deno KV reads all of the file each minute.
 */
function writeAnew(database: DatabaseSync): void {
  const schema =
    "SELECT sql FROM sqlite_schema WHERE tbl_name = 'kv' AND type = ? AND sql NOT NULL";
  const sqlOf = (type: string) => database.prepare(schema).all(type).map(({ sql }) => String(sql));
  const [table] = sqlOf("table");
  const indexes = sqlOf("index");
  database.exec(table!.replace(/^CREATE TABLE "?kv"?/, "CREATE TABLE kv_anew"));
  database.exec("INSERT INTO kv_anew SELECT * FROM kv");
  database.exec("DROP TABLE kv");
  database.exec("ALTER TABLE kv_anew RENAME TO kv");
  for (const index of indexes) database.exec(index);
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
}

function noteOf(path: string): string {
  return `${path}-wipe`;
}

async function sync(path: string, options: Deno.OpenOptions): Promise<void> {
  using opened = await Deno.open(path, options);
  await opened.sync();
}
