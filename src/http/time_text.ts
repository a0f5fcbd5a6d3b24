/** Times as users write them. */

/**
 * Milliseconds since 1970 of a time by RFC 3339, which has an offset and at most milliseconds; nothing where
 * it is none.
 */
export function parseTime(text: string): number | undefined {
  const match =
    /^(\d{4}-\d{2}-\d{2})[Tt]((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,3})?)([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/
      .exec(text);
  const [, date = "", time, offset] = match ?? [];
  if (!match || parseDate(date) === undefined) return undefined;
  return Date.parse(`${date}T${time}${offset?.toUpperCase()}`);
}

/** Milliseconds since 1970 at which a day begins in UTC, of `YYYY-MM-DD`; nothing where it is none. */
export function parseDate(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const ms = Date.parse(`${text}T00:00:00Z`);
  // Some days that no month has are taken for those that follow.
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(text)) return undefined;
  return ms;
}
