import { shownName } from './shown-name';

/** A name that cannot turn the direction of what stands around it. */
export function PersonName({ name, className }: { readonly name: string; readonly className?: string | undefined }) {
  return <bdi className={className}>{shownName(name)}</bdi>;
}
