import type { MouseEvent } from 'react'
import type { Trouble } from '../stability'
import { bucketName } from '../format/time'
import { words } from '../words'
import classes from './Svg.module.css'

interface Props {
  rows: Trouble[]
  from: number
  to: number
  zone: string
  width: number
  title: string
  /** A row in a sentence. */
  say: (row: Trouble) => string
  href: (row: Trouble) => string
  onFollow: (event: MouseEvent<Element>) => void
}

const LANES = ['incident', 'failure', 'attempt'] as const
const LANE = 40
const HEAD = 18

/** Three lanes on one line of time; a failed deployment is joined to the incident it is linked to. */
export function Timeline({ rows, from, to, zone, width, title, say, href, onFollow }: Props) {
  const shown = LANES.filter((lane) => lane !== 'attempt' || rows.some((row) => row.kind === lane))
  const height = shown.length * (LANE + HEAD) + 24
  const x = (at: number) => 6 + ((Math.min(to, Math.max(from, at)) - from) / (to - from || 1)) * (width - 12)
  const y = (kind: Trouble['kind']) => shown.indexOf(kind) * (LANE + HEAD) + HEAD + LANE / 2
  const failures = new Map(rows.filter((row) => row.kind === 'failure').map((row) => [row.key, row]))
  const ticks = [0, 1, 2, 3].map((step) => from + ((to - from) * step) / 3)
  return (
    <svg className={classes.svg} width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="group" aria-label={title}>
      {shown.map((lane) => (
        <line key={lane} className={classes.grid} x1={0} x2={width} y1={y(lane)} y2={y(lane)} />
      ))}
      {rows.map((row) => {
        const cause = row.kind === 'incident' && row.cause ? failures.get(row.cause.key) : undefined
        return cause && <path key={`link ${row.key}`} className={classes.link} d={`M${x(cause.at)} ${y('failure')}L${x(row.at)} ${y('incident')}`} />
      })}
      {shown.map((lane) => (
        <text key={lane} className={classes.over} x={0} y={y(lane) - LANE / 2 - 4}>
          {words.stability.lanes[lane](rows.filter((row) => row.kind === lane).length)}
        </text>
      ))}
      {rows.toReversed().map((row) => (
        <a key={`${row.kind} ${row.key}`} href={href(row)} onClick={onFollow} aria-label={say(row)}>
          <title>{say(row)}</title>
          <Shape row={row} x={x(row.at)} end={x(row.until ?? to)} y={y(row.kind)} />
        </a>
      ))}
      {ticks.map((tick, index) => (
        <text key={tick} x={x(tick)} y={height - 6} textAnchor={index === 0 ? 'start' : index === 3 ? 'end' : 'middle'}>
          {bucketName(new Date(tick).toISOString(), 'day', zone)}
        </text>
      ))}
    </svg>
  )
}

/** A bar as long as the incident, a diamond, a hollow square: never colour alone. */
function Shape({ row, x, end, y }: { row: Trouble; x: number; end: number; y: number }) {
  if (row.kind === 'incident') {
    // One that stays open for weeks must not hide those that come and go meanwhile.
    const open = row.until === null
    return (
      <g className={classes.incident} data-open={open}>
        {open && <rect x={x} y={y - 2} width={Math.max(0, end - x)} height="4" />}
        <rect x={x - 2} y={y - 9} width={open ? 5 : Math.max(5, end - x)} height="18" rx="2" />
      </g>
    )
  }
  if (row.kind === 'failure') return <path className={classes.failure} d={`M${x} ${y - 8}l8 8l-8 8l-8-8z`} />
  return <rect className={classes.attempt} x={x - 5} y={y - 5} width="10" height="10" />
}
