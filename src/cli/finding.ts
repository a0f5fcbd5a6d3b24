/** What `doctor` found out about one thing. */
export interface Finding {
  readonly level: "ok" | "warn" | "fail";
  readonly subject: string;
  readonly detail: string;
  /** What to do about it. */
  readonly next?: string;
}

export function ok(subject: string, detail: string): Finding {
  return { level: "ok", subject, detail };
}

export function warn(subject: string, detail: string, next: string): Finding {
  return { level: "warn", subject, detail, next };
}

export function fail(subject: string, detail: string, next: string): Finding {
  return { level: "fail", subject, detail, next };
}

/** Whether others than its owner can use a secret file or folder. Nothing where there is no mode. */
export async function checkMode(path: string, wanted: number): Promise<Finding[]> {
  const { mode } = await Deno.stat(path);
  if (mode === null) return [];
  const bits = (mode & 0o777).toString(8).padStart(4, "0");
  const remedy = `chmod ${wanted.toString(8)} ${path}`;
  if ((mode & 0o077) === 0) return [ok(path, `mode ${bits}: its owner's alone`)];
  return [fail(path, `mode ${bits}: others on this machine can use it`, remedy)];
}
