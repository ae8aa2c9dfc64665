/** The reactions on offer, with their names for who cannot see them. */
export const EMOJI: readonly (readonly [sign: string, name: string])[] = [
  ['👍', 'Thumbs up'],
  ['❤️', 'Heart'],
  ['😂', 'Laughing'],
  ['🎉', 'Party'],
  ['😮', 'Surprised'],
  ['😢', 'Sad'],
  ['👀', 'Eyes'],
  ['✅', 'Done'],
];
