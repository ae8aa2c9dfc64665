// Text is always text. Only addresses become links, and only http ones.

import { Fragment } from 'react';
import { pieces } from './pieces';

export function RichText({ text }: { readonly text: string }) {
  return pieces(text).map((piece, index) =>
    piece.href ? (
      <a key={index} href={piece.href} target="_blank" rel="noopener noreferrer nofollow">
        {piece.text}
      </a>
    ) : (
      <Fragment key={index}>{piece.text}</Fragment>
    ),
  );
}
