// Finds the addresses in a text. Everything else stays text.

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`\u200b-\u200f\u202a-\u202e\u2066-\u2069]+/giu;

/** Signs that end a sentence rather than an address. */
const TRAILING = /[.,;:!?)\]}'"…]+$/u;

export interface Piece {
  readonly text: string;
  readonly href: string | null;
}

export function pieces(text: string): readonly Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = trimmed(match[0]);
    const href = parsed(address);
    if (!href) continue;
    if (match.index > end) found.push({ text: text.slice(end, match.index), href: null });
    found.push({ text: address, href });
    end = match.index + address.length;
  }
  if (end < text.length) found.push({ text: text.slice(end), href: null });
  return found;
}

/** Without the sentence around it; a bracket that was opened inside stays. */
function trimmed(address: string): string {
  const bare = address.replace(TRAILING, '');
  const closes = address.startsWith(`${bare})`) && bare.includes('(') && !bare.includes(')');
  return closes ? `${bare})` : bare;
}

function parsed(address: string): string | null {
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null;
}
