// Light, dark, or what the system says. The style sheet does the rest by `color-scheme`.

import { keep } from '../wire/keep';

export const THEMES = ['system', 'light', 'dark'] as const;

export type Theme = (typeof THEMES)[number];

export function keptTheme(): Theme {
  const kept = keep.theme();
  return THEMES.find((theme) => theme === kept) ?? 'system';
}

export function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function chooseTheme(theme: Theme): void {
  keep.setTheme(theme === 'system' ? null : theme);
  applyTheme(theme);
}
