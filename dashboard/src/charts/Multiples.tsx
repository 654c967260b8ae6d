import type { MouseEvent } from 'react'
import { format, formatStep } from '../format/value'
import { scaleOf, type ChartData, type Dot } from './toChartData'
import { unbroken } from './toSparkline'
import classes from './Svg.module.css'

interface Props {
  data: ChartData
  /** Where the name of each line leads. */
  hrefs: string[]
  onFollow: (event: MouseEvent<Element>) => void
  width: number
  title: string
}

const GAP = 24
const LEFT = 4
const HEAD = 24
/** Heights of the plots by the rows they stand in: few may be large. */
const PLOTS = [136, 96, 64]

/** One small chart for each line, all from zero to one shared top, so that heights can be compared. */
export function Multiples({ data, hrefs, onFollow, width, title }: Props) {
  const fitting = Math.max(1, Math.floor((width + GAP) / (152 + GAP)))
  // Four stand better two by two than three and one.
  const columns = Math.min(data.lines.length, data.lines.length === 4 ? Math.min(2, fitting) : fitting)
  const each = (width - GAP * (columns - 1)) / columns
  const rows = Math.ceil(data.lines.length / columns)
  const plot = PLOTS[rows - 1] ?? 64
  const row = HEAD + plot + 28
  const greatest = Math.max(...data.lines.flatMap((line) => line.dots.map((dot) => dot.value ?? 0)))
  const scale = scaleOf(greatest, data.unit, data.pace)
  const top = scale.top * scale.by
  const height = rows * row
  return (
    <svg className={classes.svg} width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="group" aria-label={title}>
      {data.lines.map((line, index) => {
        const [left, above] = [(index % columns) * (each + GAP), Math.floor(index / columns) * row]
        const last = line.dots.findLast((dot) => dot.value !== null)
        const base = above + HEAD + plot
        const places = placed(line.dots, left + LEFT, each - 2 * LEFT, base, top, plot)
        return (
          <g key={`${line.name} ${hrefs[index]}`}>
            <a href={hrefs[index]} onClick={onFollow}>
              <text className={classes.strong} x={left} y={above + 12}>
                {clip(line.name, each - 16 - 7 * format(last?.value, data.unit, data.pace).length)}
                <title>{line.name}</title>
              </text>
            </a>
            <text x={left + each} y={above + 12} textAnchor="end">
              {format(last?.value, data.unit, data.pace)}
            </text>
            <line className={classes.grid} x1={left} x2={left + each} y1={base - plot} y2={base - plot} />
            <line className={classes.axis} x1={left} x2={left + each} y1={base} y2={base} />
            {index === 0 && (
              <text x={left} y={base - plot + 12}>
                {formatStep(top, data.unit, data.pace)}
              </text>
            )}
            {unbroken(places).map((run) => (
              <path key={run[0]?.x} className={classes.line} d={run.map(({ x, y }, at) => `${at ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('')} />
            ))}
            {places.map((place, at) => {
              const dot = line.dots[at]
              const alone = places[at - 1]?.y == null && places[at + 1]?.y == null
              if (place.y === null || !dot || !(dot === last || alone)) return null
              return <circle key={place.x} className={classes.dot} data-few={dot.few} cx={place.x} cy={place.y} r="3" />
            })}
            {Math.floor(index / columns) === rows - 1 || index + columns >= data.lines.length ? (
              <>
                <text x={left} y={base + 16}>
                  {data.buckets[0]}
                </text>
                <text x={left + each} y={base + 16} textAnchor="end">
                  {data.buckets.length > 1 ? data.buckets.at(-1) : ''}
                </text>
              </>
            ) : null}
          </g>
        )
      })}
    </svg>
  )
}

function placed(dots: Dot[], left: number, width: number, base: number, top: number, plot: number) {
  const step = dots.length > 1 ? width / (dots.length - 1) : 0
  return dots.map((dot, index) => ({ x: left + index * step, y: dot.value === null ? null : base - (dot.value / top) * plot }))
}

/** Letters of about 7 px: SVG has no ellipsis of its own. */
function clip(text: string, room: number): string {
  const most = Math.max(4, Math.floor(room / 7))
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`
}
