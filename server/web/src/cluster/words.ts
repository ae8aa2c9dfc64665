// Numbers and times in few characters.

const COUNT = new Intl.NumberFormat('en-GB');
const SHORT = new Intl.NumberFormat('en-GB', { notation: 'compact', maximumFractionDigits: 1 });
const RATE = new Intl.NumberFormat('en-GB', { maximumSignificantDigits: 2 });

export function count(value: number): string {
  return value < 100_000 ? COUNT.format(value) : SHORT.format(value);
}

export function rate(value: number): string {
  return value < 100 ? RATE.format(value) : count(Math.round(value));
}

export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}
