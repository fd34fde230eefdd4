// Numbers for people.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function formatCount(count, thing) {
  return `${whole.format(count)} ${thing}${count === 1 ? "" : "s"}`;
}

export function formatRate(rate) {
  return rate >= 100 ? whole.format(rate) : rate.toFixed(1);
}

/** A part of one as a percentage. */
export function formatPart(part) {
  return `${(part * 100).toFixed(part === 1 || part === 0 ? 0 : 1)} %`;
}

export function formatSeconds(seconds) {
  if (seconds < 10)
    return `${seconds.toFixed(1)} s`;
  if (seconds < 60)
    return `${Math.round(seconds)} s`;
  const all = Math.round(seconds);
  return `${Math.floor(all / 60)} min ${all % 60} s`;
}

/** Bytes in the unit that suits them; GB is 10⁹ bytes. */
export function formatBytes(bytes) {
  const [size, unit] = bytes >= 1e9 ? [bytes / 1e9, "GB"] : [bytes / 1e6, "MB"];
  return `${size >= 100 ? whole.format(size) : size.toFixed(size >= 10 ? 1 : 2)} ${unit}`;
}
