import { useQuery } from '@tanstack/react-query'
import { useRef } from 'react'
import { bucketOf } from '../address'
import type { Answer, Definitions, Tree } from '../api/client'
import { below } from '../api/queries'
import { Multiples } from '../charts/Multiples'
import { toChartData, toCsv } from '../charts/toChartData'
import { FEW } from '../format/change'
import { windowName } from '../format/time'
import { useWidth } from '../hooks'
import { childrenOf, mostRows, nameOf } from '../model'
import { follow, usePlace } from '../useAddress'
import { titleOf, words } from '../words'
import { Card } from './Card'
import { ChartActions, fileName } from './ChartActions'
import { Empty } from './Empty'
import { NumbersTable } from './Evolution'

/** As many as can be read side by side. */
const MOST = 9

/** What is right below a node, each in its own small chart with one shared scale. */
export function Children({ tree, metric, definitions }: { tree: Tree; metric: string; definitions: Definitions | undefined }) {
  const { address, to } = usePlace()
  const all = childrenOf(tree, address.node)
  const nodes = mostRows(all, metric, MOST)
  const asked = useQuery(below(address, address.node, metric, true))
  const [frame, width] = useWidth<HTMLDivElement>()
  const png = useRef<HTMLDivElement>(null)
  const bucket = bucketOf(address)
  const answers = new Map(asked.data?.children.map((answer) => [answer.node, answer]))
  const loaded = nodes.flatMap((node) => {
    const answer = answers.get(node.node)
    return answer ? [{ node, answer }] : []
  })
  const filled = (answer: Answer) => (answer.metrics[metric]?.series ?? []).some((point) => point.value !== null)
  const found = loaded.filter(({ answer }) => filled(answer))
  const without = loaded.filter(({ answer }) => !filled(answer)).map(({ node }) => nameOf(node))
  const data = toChartData(found.map(({ node, answer }) => ({ name: nameOf(node), answer })), metric, bucket, address.zone, Date.now())
  const levels = words.levels[nodes[0]?.level ?? 'component']
  const sentence = words.children.sentence(levels, titleOf(metric, definitions), words.evolution.buckets[bucket], windowName(address.window, address.zone))
  return (
    <Card
      title={words.children.title(levels)}
      note={sentence}
      actions={<ChartActions name={fileName(address.node, `${metric}-${levels}`)} title={words.children.title(levels)} csv={data ? () => toCsv(data) : null} frame={png} />}
    >
      <div ref={frame} className="chart" data-stale={asked.isPlaceholderData}>
        {asked.isPending ? (
          <div className="skeleton" style={{ height: 240 }} />
        ) : !data ? (
          <Empty title={words.evolution.empty} why={words.children.none(levels)} />
        ) : address.tables ? (
          <NumbersTable data={data} caption={sentence} />
        ) : (
          <div ref={png}>
            {width > 0 && <Multiples data={data} hrefs={found.map(({ node }) => to({ node: node.node }))} onFollow={follow} width={width} title={sentence} />}
          </div>
        )}
      </div>
      {data && (
        <p className="foot">
          {data.unfinished && words.evolution.lastUnfinished} {words.evolution.hollow(FEW)} {without.length > 0 && words.children.without(without.join(', '))} {all.length > nodes.length && words.evolution.most(nodes.length, all.length, levels)}
        </p>
      )}
    </Card>
  )
}
