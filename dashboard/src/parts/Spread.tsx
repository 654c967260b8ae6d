import { useQuery } from '@tanstack/react-query'
import { useRef } from 'react'
import type { Definitions } from '../api/client'
import { distribution } from '../api/queries'
import { Histogram } from '../charts/Histogram'
import { histogramCsv, toHistogram } from '../charts/toHistogram'
import { windowName } from '../format/time'
import { count, format, percent } from '../format/value'
import { useWidth } from '../hooks'
import { rowsOf } from '../model'
import { usePlace } from '../useAddress'
import { titleOf, words } from '../words'
import { Card } from './Card'
import { ChartActions, fileName } from './ChartActions'
import { Choice } from './Choice'
import { Empty } from './Empty'
import { Failure } from './Failure'
import { reasonText } from './reason'
import { Table } from './Table'

/** So few rows have no shape yet. */
const SHAPELESS = 20

/** How the values behind a number lie: a median hides whether they pile up or spread over five orders. */
export function Spread({ names, definitions }: { names: string[]; definitions: Definitions | undefined }) {
  const { address, set } = usePlace()
  // The recovery of the definition in force, and what has values of its own.
  const choices = [...names.filter((name) => /time/.test(name)), 'batch_size']
  const metric = address.spread && choices.includes(address.spread) ? address.spread : (choices[0] ?? 'lead_time')
  const { data, error, isPlaceholderData, refetch } = useQuery(distribution(address, address.node, metric))
  const answer = data?.metrics[metric]
  const histogram = toHistogram(answer)
  const [frame, width] = useWidth<HTMLDivElement>()
  const png = useRef<HTMLDivElement>(null)
  const title = titleOf(metric, definitions)
  const sentence = words.spread.sentence(title, rowsOf(metric), windowName(address.window, address.zone))
  const csv = histogram ? () => histogramCsv(histogram) : null
  return (
    <Card title={words.spread.title} note={sentence} actions={<ChartActions name={fileName(address.node, `${metric}-distribution`)} title={words.spread.title} csv={csv} frame={png} />}>
      <Choice label={words.evolution.metric} options={choices.map((value) => ({ value, label: titleOf(value, definitions) }))} value={metric} onChange={(value) => set({ spread: value })} wide />
      <div ref={frame} className="chart" data-stale={isPlaceholderData}>
        {error && !data ? (
          <Failure error={error} retry={() => void refetch()} />
        ) : !answer ? (
          <div className="skeleton" style={{ height: 240 }} />
        ) : !histogram ? (
          <Empty title={words.spread.none} why={reasonText(answer) ?? words.spread.noneWhy} />
        ) : address.tables ? (
          <Table
            caption={sentence}
            head={[{ name: words.spread.from }, { name: words.spread.below, right: true }, { name: words.spread.rows, right: true }, { name: words.spread.share, right: true }]}
            rows={histogram.bars.map((bar) => ({
              key: String(bar.from),
              cells: [format(bar.from, histogram.unit), format(bar.to, histogram.unit), count(bar.n), percent(bar.n / histogram.n)],
            }))}
          />
        ) : (
          <div ref={png}>{width > 0 && <Histogram data={histogram} width={width} title={sentence} />}</div>
        )}
      </div>
      {histogram && (
        <p className="foot">
          {histogram.n < SHAPELESS && `${words.spread.few(histogram.n)} `}
          {histogram.alike && `${words.spread.alike(count(histogram.alike.n), count(histogram.n), format(histogram.alike.from, 's'), format(histogram.alike.to, 's'))} `}
          {histogram.log && words.spread.log}
        </p>
      )}
    </Card>
  )
}
