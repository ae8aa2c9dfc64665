// Names come from anybody: they may be empty to the eye, or full of marks that reach into the lines around.

const UNSEEN = /[\p{C}\p{Z}\p{M}\u115f\u1160\u3164\uffa0\u2800]/gu;

/** A name as it can be shown: never empty to the eye. Direction is isolated by `<bdi>` where it stands. */
export function shownName(name: string): string {
  return name.replace(UNSEEN, '') === '' ? 'Nameless' : name;
}

/** The first letter or sign of a name, whole. */
export function initial(name: string): string {
  const segments = new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(shownName(name).trim());
  for (const { segment } of segments) {
    const visible = Array.from(segment.normalize('NFC')).slice(0, 8).join('');
    if (visible.replace(UNSEEN, '') !== '') return visible.toLocaleUpperCase();
  }
  return '?';
}

/** Always the same colour for the same person, as a hue in degrees. */
export function hueOf(id: string): number {
  let hash = 2166136261;
  for (const char of id) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619);
  // Ids that differ little shall not look alike.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % 360;
}
