import { toast } from './toast';

/** Puts words on the clipboard; where that is forbidden, shows them to be copied by hand. */
export function copy(words: string, done: string): void {
  const failed = () => toast(words);
  try {
    navigator.clipboard.writeText(words).then(() => toast(done), failed);
  } catch {
    failed();
  }
}
