import type { MouseEvent } from 'react'
import { FEW } from '../format/change'
import { format, type Unit } from '../format/value'
import { words } from '../words'
import type { PartBar } from './toParts'
import classes from './Svg.module.css'

const ROW = 32
const LABEL = 152
const VALUE = 88

interface Props {
  bars: PartBar[]
  unit: Unit
  width: number
  title: string
  href: (part: string) => string
  follow: (event: MouseEvent<Element>) => void
}

/** Bars from zero on one linear scale, each a link to its explanation; hollow where few rows speak. */
export function PartBars({ bars, unit, width, title, href, follow }: Props) {
  const room = Math.max(40, width - LABEL - VALUE)
  const top = Math.max(...bars.map((bar) => bar.value), 1)
  const height = bars.length * ROW
  return (
    <svg className={classes.svg} width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="group" aria-label={title}>
      {bars.map((bar, index) => {
        const length = Math.max(1, (Math.max(0, bar.value) / top) * room)
        const name = words.parts[bar.part] ?? bar.part
        return (
          <a key={bar.part} href={href(bar.part)} onClick={follow}>
            {/* The whole row is taken hold of, not only what is drawn. */}
            <rect className={classes.hold} x={0} y={index * ROW} width={width} height={ROW} />
            <text className={bar.most ? classes.strong : undefined} x={0} y={index * ROW + 20}>
              {name}{' '}
            </text>
            <rect className={classes.bar} data-few={bar.n < FEW} x={LABEL} y={index * ROW + 6} width={length} height={ROW - 12} rx="2" />
            <text className={classes.strong} x={LABEL + length + 8} y={index * ROW + 20}>
              {format(bar.value, unit)}
            </text>
          </a>
        )
      })}
    </svg>
  )
}
