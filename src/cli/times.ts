/** RFC 3339 in UTC, as the API has it, for people: `2026-03-01 14:05:09 CET`, in local time. */
export function timeText(at: string | number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return String(at);
  const part = new Map(format.formatToParts(date).map(({ type, value }) => [type, value]));
  const of = (type: Intl.DateTimeFormatPartTypes) => part.get(type) ?? "";
  return `${of("year")}-${of("month")}-${of("day")} ` +
    `${of("hour")}:${of("minute")}:${of("second")} ${of("timeZoneName")}`;
}

/** Seconds for people: `5 s`, `3 min 20 s`, `2 h 5 min`, `4 d 1 h`. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const units: readonly [size: number, name: string][] = [[86_400, "d"], [3_600, "h"], [60, "min"]];
  for (const [index, [size, name]] of units.entries()) {
    if (whole < size) continue;
    const [lesser, lesserName] = units[index + 1] ?? [1, "s"];
    const rest = Math.floor((whole % size) / lesser);
    return `${Math.floor(whole / size)} ${name}${rest > 0 ? ` ${rest} ${lesserName}` : ""}`;
  }
  return `${whole} s`;
}

const two = "2-digit";
const format = new Intl.DateTimeFormat("en-US", {
  year: "numeric",
  month: two,
  day: two,
  hour: two,
  minute: two,
  second: two,
  hourCycle: "h23",
  timeZoneName: "short",
});
