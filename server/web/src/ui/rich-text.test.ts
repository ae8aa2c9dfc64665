import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pieces } from './pieces';
import { initial, shownName } from './shown-name';

const links = (text: string) => pieces(text).flatMap((piece) => (piece.href ? [piece.text] : []));

test('addresses become links without the sentence around them', () => {
  expect(links('see https://example.org/a?b=1#c.')).toEqual(['https://example.org/a?b=1#c']);
  expect(links('(https://example.org/a_(b))')).toEqual(['https://example.org/a_(b)']);
  expect(links('"http://example.org", and https://example.org/x!')).toEqual([
    'http://example.org',
    'https://example.org/x',
  ]);
});

test('nothing else does', () => {
  for (const text of ['javascript:alert(1)', 'data:text/html,x', 'https://', '<a href=x>', 'ftp://example.org']) {
    expect(links(text)).toEqual([]);
  }
});

test('no character is lost or added', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.webUrl(), fc.string({ unit: 'grapheme' }), (a, url, b) => {
      const text = `${a} ${url}${b}`;
      expect(
        pieces(text)
          .map((piece) => piece.text)
          .join(''),
      ).toBe(text);
    }),
  );
});

test('a name always shows something', () => {
  for (const name of ['', ' ', '\u200b\u200d', '\u202e', '\u3164', '\u0301']) expect(shownName(name)).toBe('Nameless');
  expect(initial('ada')).toBe('A');
  expect(initial('\u202e👩‍👩‍👧 family')).toBe('👩‍👩‍👧');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      expect(Array.from(initial(name)).length).toBeLessThanOrEqual(16);
    }),
  );
});
