import { CopyButton, Drawer } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import type { Definitions, Explained, ExplainedRow, MetricAnswer } from '../api/client'
import { explain } from '../api/queries'
import { dateTime } from '../format/time'
import { count, digits, format, parts, percent, type Unit } from '../format/value'
import { rowsOf } from '../model'
import { usePlace } from '../useAddress'
import { titleOf, words } from '../words'
import { BandMark } from './BandMark'
import { Failure } from './Failure'
import { Value } from './Tile'
import { reasonText } from './reason'
import classes from './Explain.module.css'

const FIRST = 10
const MORE = 100
/** A hash is known by its first signs; a pull request by all of its name. */
const HASH = /^([0-9a-f]{8})[0-9a-f]+$/

/** One number taken apart; open when the address names a metric to explain. */
export function Explain({ definitions, nodeName }: { definitions: Definitions | undefined; nodeName: string }) {
  const { address, set } = usePlace()
  const last = useRef(address.explain)
  if (address.explain) last.current = address.explain
  const what = address.explain ?? last.current
  const [metric, part] = what?.split(':') ?? []
  const doc = definitions?.metrics.find((each) => each.id === metric)
  return (
    <Drawer.Root
      opened={address.explain !== undefined}
      onClose={() => set({ explain: undefined }, 'replace')}
      position="right"
      size={680}
      lockScroll={false}
      transitionProps={{ duration: 150 }}
      classNames={{ overlay: classes.overlay, content: classes.content, title: classes.title, body: classes.drawer }}
    >
      <Drawer.Overlay />
      <Drawer.Content>
        <div className={classes.header}>
          <Drawer.Title>
            {words.docs[metric ?? ''] ? titleOf(metric ?? '', definitions) : (doc?.title ?? metric)}
            {part && ` · ${words.parts[part] ?? part}`} <span className={classes.of}>{words.explain.of(nodeName)}</span>
          </Drawer.Title>
          <Drawer.CloseButton aria-label={words.explain.close} />
        </div>
        <Drawer.Body>{what && metric && <Body key={what} what={what} metric={metric} />}</Drawer.Body>
      </Drawer.Content>
    </Drawer.Root>
  )
}

function Body({ what, metric }: { what: string; metric: string }) {
  const { address } = usePlace()
  const [limit, setLimit] = useState(FIRST)
  const { data, error, isPlaceholderData, refetch } = useQuery(explain(address, what, limit))
  if (error && !data) return <Failure error={error} retry={() => void refetch()} />
  if (!data) return <div className="skeleton" style={{ height: 320 }} />
  const { answer, explanation } = data
  const rows = rowsOf(metric)
  return (
    <div data-stale={isPlaceholderData}>
      <div className={classes.value}>
        {answer.value === null ? <strong className={classes.none}>{words.tile.na}</strong> : <Value parts={parts(answer.value, answer.unit)} />}
        {answer.band && <BandMark band={answer.band} />}
      </div>
      {answer.value === null && <p>{reasonText(answer)}</p>}
      <h3>{words.explain.meaning}</h3>
      <p className={classes.sentence} lang="en">
        {explanation.sentence}
      </p>
      {words.explain.serverWords && <p className="dim">{words.explain.serverWords}</p>}
      <p className="dim">
        {words.explain.under(explanation.definition.id, explanation.definition.version)}.{' '}
        {words.explain.window(dateTime(data.from, address.zone), dateTime(data.to, address.zone))}.
      </p>

      <Share explained={data} text={words.explain.used(count(explanation.used), count(explanation.population), rows)} />
      {answer.stats && answer.value !== null && <Statistics stats={answer.stats} unit={answer.unit} />}

      <h3>{words.explain.leftOut}</h3>
      {explanation.left_out.length === 0 && <p className="dim">{words.explain.nothingLeftOut}</p>}
      {explanation.left_out.map((left) => (
        <details key={left.reason} className={classes.left}>
          <summary>
            <span className={classes.count}>{count(left.n)}</span>
            <span>{words.reasons[left.reason] ?? left.text}</span>
          </summary>
          <Rows rows={left.rows} answer={answer} caption={words.reasons[left.reason] ?? left.text} />
        </details>
      ))}

      <h3>{words.explain.rowsUsed}</h3>
      {explanation.rows.length === 0 ? (
        <p className="dim">{words.explain.noRows}</p>
      ) : (
        <>
          <Rows rows={explanation.rows} answer={answer} caption={words.explain.rowsUsed} />
          <p className="dim">
            {words.explain.showing(explanation.rows.length, explanation.used)}{' '}
            {explanation.rows.length < explanation.used && limit < 1000 && (
              <button type="button" className="quiet" onClick={() => setLimit((known) => Math.min(1000, known === FIRST ? MORE : known + 300))}>
                {words.explain.more}
              </button>
            )}
          </p>
        </>
      )}

      <h3>{words.explain.sql}</h3>
      <Sql title={words.explain.sqlPopulation} text={explanation.sql} />
      <Sql title={words.explain.sqlValue} text={explanation.value_sql} />
    </div>
  )
}

function Share({ explained, text }: { explained: Explained; text: string }) {
  const { population, used } = explained.explanation
  const share = population > 0 ? used / population : 0
  return (
    <div className={classes.share}>
      <span>
        {text}
        {population > 0 && ` (${percent(share)})`}
      </span>
      <span className={classes.track} aria-hidden="true">
        <span className={classes.used} style={{ width: `${share * 100}%` }} />
      </span>
    </div>
  )
}

function Statistics({ stats, unit }: { stats: NonNullable<MetricAnswer['stats']>; unit: Unit }) {
  return (
    <>
      <h3>{words.explain.statistics}</h3>
      <dl className={classes.stats}>
        {(['mean', 'min', 'p50', 'p75', 'p90', 'p95', 'p99', 'max'] as const).map((name) => (
          <div key={name}>
            <dt>{words.explain.stats[name]}</dt>
            <dd>{format(stats[name], unit)}</dd>
          </div>
        ))}
      </dl>
    </>
  )
}

function Rows({ rows, answer, caption }: { rows: ExplainedRow[]; answer: MetricAnswer; caption: string }) {
  const { address } = usePlace()
  const items = rows.some((row) => row.item !== null)
  const value = (row: ExplainedRow) => {
    if (row.value === null) return words.none
    return answer.unit === 's' ? format(row.value, 's') : digits(row.value)
  }
  return (
    <div className={classes.scroll} tabIndex={0} role="region" aria-label={caption}>
      <table className="plain">
        <caption className="unseen">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{words.explain.at}</th>
            <th scope="col">{words.explain.where}</th>
            <th scope="col">{words.explain.id}</th>
            {items && <th scope="col">{words.explain.item}</th>}
            <th scope="col" className="right">
              {words.explain.value}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.source} ${row.id} ${row.item} ${row.at}`}>
              <td>{row.at ? dateTime(row.at, address.zone) : words.none}</td>
              <td>{row.component ?? row.product ?? words.none}</td>
              <td className={classes.id} title={`${row.source}/${row.id}`}>
                {row.id}
              </td>
              {items && <td className="mono">{row.item?.replace(HASH, '$1') ?? words.none}</td>}
              <td className="right">{value(row)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Sql({ title, text }: { title: string; text: string }) {
  return (
    <figure className={classes.sql}>
      <figcaption>
        {title}
        <CopyButton value={text}>
          {({ copied, copy }) => (
            <button type="button" className="quiet" onClick={copy} aria-label={words.of(words.explain.copy, title)}>
              <span aria-live="polite">{copied ? words.explain.copied : words.explain.copy}</span>
            </button>
          )}
        </CopyButton>
      </figcaption>
      <pre tabIndex={0}>{text}</pre>
    </figure>
  )
}
