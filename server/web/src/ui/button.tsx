import type { ComponentProps } from 'react';
import styles from './button.module.css';

type Look = 'primary' | 'quiet' | 'danger';

/** A button with words. */
export function Button({ look = 'quiet', ...props }: ComponentProps<'button'> & { readonly look?: Look }) {
  return <button type="button" {...props} className={styles[look]} />;
}

/** A button with a sign; `label` is what it does, in words. */
export function IconButton({ label, ...props }: ComponentProps<'button'> & { readonly label: string }) {
  return <button type="button" title={label} {...props} aria-label={label} className={styles.icon} />;
}
