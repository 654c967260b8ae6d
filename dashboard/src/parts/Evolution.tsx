import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useRef } from 'react'
import { bucketOf, type Bucket } from '../address'
import type { Answer, Definitions, Tree } from '../api/client'
import { before, below, metrics } from '../api/queries'
import { FEW } from '../format/change'
import { format } from '../format/value'
import { beforeName, windowName } from '../format/time'
import { toChartData, toCsv, toTable, type ChartData, type Named } from '../charts/toChartData'
import { childrenOf, headline, mostRows, nameOf } from '../model'
import { usePlace } from '../useAddress'
import { titleOf, words } from '../words'
import { Card } from './Card'
import { ChartActions, fileName } from './ChartActions'
import { Choice } from './Choice'
import { Empty } from './Empty'
import { reasonText } from './reason'
import { Table } from './Table'
import classes from './Evolution.module.css'

const LineChart = lazy(() => import('../charts/LineChart'))

/** More lines than this nobody can follow. */
const MOST_LINES = 6

interface Props {
  tree: Tree
  definitions: Definitions | undefined
  /** One line for each node below, or this node against the window before. */
  of: 'children' | 'self'
}

export function Evolution({ tree, definitions, of }: Props) {
  const { address, set } = usePlace()
  const known = headline(tree)
  const metric = known.includes(address.metric) ? address.metric : (known[0] ?? address.metric)
  const title = (id: string) => titleOf(id, definitions)
  const children = of === 'children' ? most(tree, address.node, metric) : { nodes: [], all: 0 }
  const lines = useQuery({ ...below(address, address.node, metric), enabled: of === 'children' })
  const own = useQuery({ ...metrics(address, address.node, known), enabled: of === 'self' && known.length > 0 })

  const ghosts = useQuery({
    ...before(address, address.node, known, own.isPlaceholderData ? undefined : own.data),
    ...(of === 'self' ? {} : { enabled: false }),
  })
  const bucket = bucketOf(address)
  const asked = of === 'children' ? lines : own
  const stale = asked.isPlaceholderData
  const window = windowName(address.window, address.zone)
  const beforeWords = beforeName(address.window)
  const answers: Named[] =
    of === 'children'
      ? children.nodes.flatMap((node) => named(nameOf(node), lines.data?.children.find((answer) => answer.node === node.node)))
      : [...named(nameHere(tree, address.node), own.data), ...ghost(ghosts.data, beforeWords)]
  const data = toChartData(answers, metric, bucket, address.zone, Date.now())
  const levels = words.levels[children.nodes[0]?.level ?? 'platform']
  const sentence =
    of === 'self'
      ? words.evolution.ofNode(title(metric), words.evolution.buckets[bucket], window, beforeWords)
      : address.node === 'group'
        ? words.evolution.ofPlatforms(title(metric), words.evolution.buckets[bucket], window)
        : words.evolution.ofChildren(title(metric), levels, words.evolution.buckets[bucket], window)
  const frame = useRef<HTMLDivElement>(null)

  return (
    <Card
      title={words.evolution.title}
      note={sentence}
      className={of === 'self' ? 'across' : ''}
      actions={
        <>
          <Choice
            label={words.evolution.bucket}
            options={(['day', 'week', 'month'] as Bucket[]).map((each) => ({ value: each, label: words.evolution.buckets[each] }))}
            value={bucket}
            onChange={(value) => set({ bucket: value as Bucket })}
          />
          {data?.unit === 's' && (
            <button type="button" className="quiet" aria-pressed={address.log} onClick={() => set({ log: !address.log })}>
              {words.evolution.log}
            </button>
          )}
          <ChartActions name={fileName(address.node, metric)} title={words.evolution.title} csv={data ? () => toCsv(data) : null} frame={frame} />
        </>
      }
    >
      <Choice
        label={words.evolution.metric}
        options={known.map((each) => ({ value: each, label: title(each) }))}
        value={metric}
        onChange={(value) => set({ metric: value })}
        wide
      />
      <div ref={frame} className={classes.body} data-stale={stale} aria-busy={asked.isPending}>
        {asked.isPending ? (
          <div className="skeleton" style={{ height: 240 }} />
        ) : !data ? (
          <Empty title={words.evolution.empty} why={whyEmpty(answers, metric)} />
        ) : address.tables ? (
          <NumbersTable data={data} caption={sentence} />
        ) : (
          <Suspense fallback={<div className="skeleton" style={{ height: 240 }} />}>
            <LineChart data={data} log={address.log} title={sentence} />
          </Suspense>
        )}
      </div>
      {data && (
        <p className={classes.foot}>
          {data.unfinished && words.evolution.lastUnfinished}{' '}
          {data.lines.some((line) => line.dots.some((dot) => dot.few || dot.value === null)) && words.evolution.hollow(FEW)}{' '}
          {children.all > children.nodes.length && words.evolution.most(children.nodes.length, children.all, levels)}
        </p>
      )}
    </Card>
  )
}

function most(tree: Tree, node: string, metric: string) {
  const all = childrenOf(tree, node)
  return { nodes: mostRows(all, metric, MOST_LINES), all: all.length }
}

const named = (name: string, answer: Answer | undefined): Named[] => (answer ? [{ name, answer }] : [])
const ghost = (answer: Answer | undefined, name: string): Named[] => (answer ? [{ name, answer, ghost: true }] : [])
const nameHere = (tree: Tree, node: string) => {
  const found = tree.nodes.find((each) => each.node === node)
  return found ? nameOf(found) : node
}

function whyEmpty(answers: Named[], metric: string): string {
  const found = answers.flatMap(({ answer }) => answer.metrics[metric] ?? [])
  return found.map(reasonText).find((text) => text !== null) ?? words.lists.noDeploymentsWhy
}

/** A row a bucket, a column a line. */
export function NumbersTable({ data, caption }: { data: ChartData; caption: string }) {
  const table = toTable(data)
  return (
    <Table
      caption={caption}
      head={[{ name: words.evolution.from }, ...table.head.map((name) => ({ name, right: true }))]}
      rows={table.rows.map((row) => ({
        key: row.name,
        cells: [
          row.name,
          ...row.cells.map((cell) => (
            <>
              {format(cell.value, data.unit, data.pace)} <span className="dim">{cell.value === null ? '' : words.tile.n(cell.n)}</span>
            </>
          )),
        ],
      }))}
    />
  )
}
