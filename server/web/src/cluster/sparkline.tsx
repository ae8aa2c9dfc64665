import css from './sparkline.module.css';

/** As many samples as the server keeps: a younger one begins further to the right. */
const SAMPLES = 60;
const WIDTH = 100;
const HEIGHT = 28;

interface Props {
  readonly values: readonly number[];
  readonly label: string;
  /** The value at the top. */
  readonly most: number;
}

export function Sparkline({ values, label, most }: Props) {
  const shown = values.slice(-SAMPLES);
  const top = Math.max(most, 1);
  const x = (index: number) => ((SAMPLES - shown.length + index) / (SAMPLES - 1)) * WIDTH;
  const y = (value: number) => HEIGHT - 1 - (Math.min(value, top) / top) * (HEIGHT - 2);
  const line = shown.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
  return (
    <svg
      className={css.spark}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {shown.length > 1 && (
        <>
          <polygon className={css.area} points={`${x(0)},${HEIGHT} ${line} ${WIDTH},${HEIGHT}`} />
          <polyline className={css.line} points={line} />
        </>
      )}
    </svg>
  );
}
