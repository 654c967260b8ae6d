import type { MetricAnswer, Point } from '../api/client'
import { Sparkline } from '../charts/Sparkline'
import { changeText, FEW } from '../format/change'
import { format, parts, percent, type Part } from '../format/value'
import { useCount } from '../hooks'
import { rowsOf } from '../model'
import { words } from '../words'
import { BandMark } from './BandMark'
import { reasonText } from './reason'
import { Trend } from './Trend'
import classes from './Tile.module.css'

interface Props {
  metric: string
  title: string
  /** What is counted: another node or window makes the number jump instead of count. */
  what: string
  answer: MetricAnswer | undefined
  before: Point[]
  beforeName: string
  onOpen: () => void
}

export function Tile({ metric, title, what, answer, before, beforeName, onOpen }: Props) {
  const shown = useCount(answer?.value ?? null, `${what} ${metric}`)
  const change = answer ? changeText(answer, beforeName) : null
  return (
    <button type="button" className={classes.tile} onClick={onOpen} aria-haspopup="dialog" data-metric={metric}>
      <span className={classes.title}>{words.short[metric] ?? title}</span>
      {!answer ? (
        <span className="skeleton" style={{ height: 168 }} />
      ) : (
        <>
          <span className={classes.head}>
            {shown === null || answer.value === null ? (
              <span className={classes.none}>{words.tile.na}</span>
            ) : (
              <Value parts={parts(shown, answer.unit)} />
            )}
            {answer.band && <BandMark band={answer.band} />}
          </span>
          {answer.value === null ? (
            <span className={classes.reason}>{reasonText(answer)}</span>
          ) : (
            <>
              <Sparkline now={answer.series ?? []} before={before} />
              <span className={classes.change}>{change && <Trend change={change} />}</span>
            </>
          )}
          <Meta metric={metric} answer={answer} />
        </>
      )}
    </button>
  )
}

export function Value({ parts: pieces }: { parts: Part[] }) {
  return (
    <span className={classes.value}>
      {pieces.map((part, index) => (
        <span key={index} className={part.kind === 'number' ? classes.number : classes.unit}>
          {index > 0 && '\u00a0'}
          {part.text}
        </span>
      ))}
    </span>
  )
}

function Meta({ metric, answer }: { metric: string; answer: MetricAnswer }) {
  const first = [words.tile.n(answer.n)]
  if (answer.value !== null && answer.n < FEW) first.push(words.tile.few)
  if (answer.stats && answer.value !== null) first.push(words.tile.p95(format(answer.stats.p95, answer.unit)))
  return (
    <span className={classes.meta}>
      <span>{first.join(' · ')}</span>
      {answer.coverage !== null && <span>{words.tile.used(percent(answer.coverage).replace(/[.,]0/, ''), rowsOf(metric))}</span>}
    </span>
  )
}
