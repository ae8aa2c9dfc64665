import { createContext, use } from 'react';

/** Where menus are put in the document: within the main landmark, so that nothing stands outside of all of them. */
export const LayerContext = createContext<HTMLElement | null>(null);

export function useLayer(): HTMLElement | null {
  return use(LayerContext);
}
