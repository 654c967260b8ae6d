import { useQuery } from '@tanstack/react-query'
import { useRef, type MouseEvent } from 'react'
import type { Definitions } from '../api/client'
import { plain, troubleRows } from '../api/queries'
import { Timeline } from '../charts/Timeline'
import { dateTime, shortDateTime, windowName } from '../format/time'
import { format } from '../format/value'
import { failureOf } from '../failure'
import { useWidth } from '../hooks'
import { metricOf, troubles, troublesCsv, type Trouble } from '../stability'
import { follow, usePlace } from '../useAddress'
import { titleOf, words } from '../words'
import { Bars } from './Bars'
import { Card } from './Card'
import { ChartActions, fileName } from './ChartActions'
import { Empty } from './Empty'
import { Failure } from './Failure'
import { Split } from './Split'
import { Table } from './Table'
import classes from './Stability.module.css'

const LATEST = 4
const STEPS = ['time_to_detect', 'time_to_acknowledge', 'time_to_mitigate', 'time_to_restore']

/** Failures on a line of time with their causes, and how long each step of an incident took. */
export function Stability({ definitions }: { definitions: Definitions | undefined }) {
  const { address, to } = usePlace()
  const { data, error, isPlaceholderData, refetch } = useQuery(troubleRows(address))
  const steps = useQuery(plain(address, address.node, STEPS))
  // Taken apart only where there is something to take apart: each part is a question of its own.
  const restored = (steps.data?.metrics['time_to_restore']?.n ?? 0) > 0
  const severities = useQuery({ ...plain(address, address.node, ['time_to_restore'], 'severity'), enabled: restored })
  const restore = severities.data?.metrics['time_to_restore']
  const levels = useQuery(plain(address, address.node, ['error_budget_remaining']))
  const budget = levels.data?.metrics['error_budget_remaining']
  const burning = useQuery({ ...plain(address, address.node, ['burn_rate'], 'last'), enabled: budget?.value != null })
  const burn = burning.data?.metrics['burn_rate']
  const [frame, width] = useWidth<HTMLDivElement>()
  const png = useRef<HTMLDivElement>(null)
  const rows = data && definitions ? troubles(data.explained.explanation.rows, data.deployments.deployments, data.incidents.incidents, failureOf(definitions, address.definition)) : undefined
  // An incident tells of the deployment it is linked to: no need to say it twice.
  const told = (rows ?? []).filter((row) => !(row.kind === 'failure' && row.signals.length > 0 && row.signals.every((each) => each.incident)))
  const sentence = words.stability.sentence(windowName(address.window, address.zone))
  const href = (row: Trouble) => to({ explain: metricOf(row.kind, definitions) })
  const cut = data && (data.deployments.next !== null || data.incidents.next !== null || data.explained.explanation.used > data.explained.explanation.rows.length)
  const when = (at: number) => shortDateTime(at, address.zone)
  const say = (row: Trouble) => words.of(when(row.at), `${words.stability.kinds[row.kind]}, ${row.where} ${row.what}. ${why(row)}`)
  return (
    <Card
      title={words.stability.title}
      note={sentence}
      actions={<ChartActions name={fileName(address.node, 'stability')} title={words.stability.title} csv={rows && rows.length > 0 ? () => troublesCsv(rows) : null} frame={png} />}
    >
      <div ref={frame} className="chart" data-stale={isPlaceholderData}>
        {error && !data ? (
          <Failure error={error} retry={() => void refetch()} />
        ) : !rows || !data ? (
          <div className="skeleton" style={{ height: 240 }} />
        ) : rows.length === 0 ? (
          <Empty title={words.stability.none} why={words.stability.noneWhy(data.explained.explanation.used)} />
        ) : address.tables ? (
          <Table
            caption={sentence}
            head={[words.lists.when, words.lists.kind, words.lists.component, words.lists.title, words.lists.lasted, words.stability.why].map((name) => ({ name }))}
            rows={rows.map((row) => ({
              key: `${row.kind} ${row.key}`,
              cells: [dateTime(row.at, address.zone), words.stability.kinds[row.kind], row.where, <Link key="what" row={row} href={href(row)} />, lasted(row), <span key="why" title={row.cause?.why}>{why(row)}</span>],
            }))}
          />
        ) : (
          <>
            <div ref={png}>
              {width > 0 && (
                <Timeline rows={rows} from={Date.parse(data.explained.from)} to={Date.parse(data.explained.to)} zone={address.zone} width={width} title={sentence} say={say} href={href} onFollow={keep} />
              )}
            </div>
            <ul className={classes.list}>
              {told.slice(0, LATEST).map((row) => (
                <li key={`${row.kind} ${row.key}`}>
                  <span className="dim">{when(row.at)}</span>
                  <span>
                    <Link row={row} href={href(row)} /> {row.kind === 'incident' && <span className="dim">{row.where}</span>}
                    <span className={classes.why} title={row.cause?.why}>
                      {words.stability.kinds[row.kind]}
                      {row.kind === 'incident' ? `, ${lasted(row)}` : ''}. {why(row)}
                    </span>
                  </span>
                </li>
              ))}
            </ul>
          </>
        )}
      </div>
      {rows && told.length > LATEST && !address.tables && <p className="foot">{words.stability.latest(LATEST, told.length)}</p>}
      {cut && <p className="foot">{words.stability.cut}</p>}
      {steps.data && STEPS.some((step) => steps.data.metrics[step]?.value != null) && (
        <>
          <h3 className={classes.steps}>{words.stability.steps}</h3>
          <Bars
            rows={STEPS.map((step) => {
              const answer = steps.data.metrics[step]
              return { name: titleOf(step, definitions), value: answer?.value ?? null, text: format(answer?.value, 's'), note: answer ? words.tile.n(answer.n) : '' }
            })}
          />
        </>
      )}
      {restored && restore && (
        <Split metric="time_to_restore" answer={restore} title={words.stability.severities} sentence={words.stability.bySeverity(windowName(address.window, address.zone))} width={width} definitions={definitions} />
      )}
      {budget?.value != null && burn && (
        <>
          <Split metric="burn_rate" answer={burn} title={titleOf('burn_rate', definitions)} sentence={words.stability.burning(windowName(address.window, address.zone))} width={width} definitions={definitions} />
          <p className="note">
            <a href={to({ explain: 'error_budget_remaining' })} onClick={keep}>
              {titleOf('error_budget_remaining', definitions)}
            </a>
            : <strong>{format(budget.value, 'ratio')}</strong> <span className="dim">{words.stability.levels(budget.n)}</span>
          </p>
        </>
      )}
    </Card>
  )
}

/** An explanation opens over the page: it does not scroll away. */
function keep(event: MouseEvent<Element>): void {
  const { scrollX, scrollY } = window
  follow(event)
  if (event.defaultPrevented) window.scrollTo(scrollX, scrollY)
}

function Link({ row, href }: { row: Trouble; href: string }) {
  return (
    <a href={href} onClick={keep} title={row.key}>
      {row.kind === 'incident' ? row.what : `${row.where} ${row.what}`}
    </a>
  )
}

function lasted(row: Trouble): string {
  if (row.kind !== 'incident') return words.none
  return row.until === null ? words.lists.open : format((row.until - row.at) / 1000, 's')
}

function why(row: Trouble): string {
  if (row.kind === 'attempt') return words.stability.attempt
  if (row.kind === 'incident') return row.cause ? capital(words.stability.after(format(row.cause.delay, 's'), row.cause.name)) : words.stability.noCause
  if (row.signals.length === 0) return words.stability.unknown
  return capital(row.signals.map((each) => `${words.stability.signals[each.signal] ?? each.signal}${each.delay === null ? '' : ` ${words.stability.later(format(each.delay, 's'))}`}`).map((text, index) => (row.signals[index]?.incident ? words.of(text, row.signals[index].incident) : text)).join('; ')) + '.'
}

const capital = (text: string) => text.replace(/^./, (first) => first.toUpperCase())
