import { format, formatStep } from '../format/value'
import { FEW } from '../format/change'
import { words } from '../words'
import { apart, labelled, type Histogram as Data } from './toHistogram'
import classes from './Svg.module.css'

const LEFT = 40
const RIGHT = 16
const LABELS = 52
const HEIGHT = 240
const FOOT = 24

/** Bars from zero, with the median, the mean and p95 marked. Its numbers stand in the table behind it. */
export function Histogram({ data, width, title }: { data: Data; width: number; title: string }) {
  const inner = Math.max(80, width - LEFT - RIGHT)
  const [top, base] = [LABELS, HEIGHT - FOOT]
  const x = (at: number) => LEFT + at * inner
  const y = (n: number) => base - (n / data.top) * (base - top)
  const steps = data.top >= 2 && data.top % 2 === 0 ? [0, data.top / 2, data.top] : [0, data.top]
  const few = data.n < FEW
  const marks = labelled(data.marks)
  return (
    <svg className={classes.svg} width={width} height={HEIGHT} viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label={title}>
      {steps.map((step) => (
        <g key={step}>
          <line className={step === 0 ? classes.axis : classes.grid} x1={LEFT} x2={LEFT + inner} y1={y(step)} y2={y(step)} />
          <text x={LEFT - 8} y={y(step) + 4} textAnchor="end">
            {step}
          </text>
        </g>
      ))}
      {data.bars.map((bar) => (
        <rect
          key={bar.from}
          className={classes.bar}
          data-few={few}
          x={x(bar.left) + 1}
          width={Math.max(1, x(bar.right) - x(bar.left) - 2)}
          y={y(bar.n)}
          height={base - y(bar.n)}
        >
          <title>{words.spread.bar(format(bar.from, data.unit), format(bar.to, data.unit), bar.n)}</title>
        </rect>
      ))}
      {apart(data.ticks, 56 / inner).map((tick) => (
        <text key={tick.value} x={x(tick.at)} y={HEIGHT - 6} textAnchor={tick.at < 0.02 ? 'start' : tick.at > 0.96 ? 'end' : 'middle'}>
          {formatStep(tick.value, data.unit)}
        </text>
      ))}
      {marks.map((mark) => (
        <line key={mark.name} className={classes.mark} data-name={mark.name} x1={x(mark.at)} x2={x(mark.at)} y1={mark.row * 16 + 4} y2={base} />
      ))}
      {marks.map((mark) => (
        <text key={mark.name} className={`${classes.strong} ${classes.over}`} x={x(mark.at) + (mark.right ? 6 : -6)} y={mark.row * 16 + 14} textAnchor={mark.right ? 'start' : 'end'}>
          {words.spread.marks[mark.name]} {format(mark.value, data.unit)}
        </text>
      ))}
    </svg>
  )
}
