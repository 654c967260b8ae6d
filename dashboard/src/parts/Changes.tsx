import { useQuery } from '@tanstack/react-query'
import type { Definitions, Tree } from '../api/client'
import { treeBefore } from '../api/queries'
import { changes, type Changed } from '../changes'
import { beforeName } from '../format/time'
import { format } from '../format/value'
import { nameOf } from '../model'
import { follow, usePlace } from '../useAddress'
import { words } from '../words'
import { Card } from './Card'
import { Empty } from './Empty'
import { Failure } from './Failure'
import { Trend } from './Trend'
import classes from './Changes.module.css'

/** What changed most, in sentences that lead to the evidence and say how sure they are. */
export function Changes({ tree, stale, definitions }: { tree: Tree; stale: boolean; definitions: Definitions | undefined }) {
  const { address } = usePlace()
  const { data, error, isPlaceholderData, refetch } = useQuery(treeBefore(address, stale ? undefined : tree))
  const before = beforeName(address.window)
  const found = data && definitions ? changes(tree, data, definitions, before) : undefined
  return (
    <Card title={words.changes.title} note={words.changes.note(before)} className={classes.card}>
      {error && !data ? (
        <Failure error={error} retry={() => void refetch()} />
      ) : !found ? (
        <div className="skeleton" style={{ height: 200 }} />
      ) : found.most.length === 0 ? (
        <Empty
          title={found.compared === 0 ? words.changes.nothingBefore : words.changes.nothing}
          why={found.compared === 0 ? words.changes.nothingBeforeWhy(before) : words.changes.nothingWhy(found.compared)}
        />
      ) : (
        <div data-stale={isPlaceholderData || stale}>
          <ul className={classes.list}>
            {found.most.map((change) => (
              <Sentence key={change.node.node} change={change} />
            ))}
          </ul>
          <p className="note">{words.changes.compared(found.compared)}</p>
        </div>
      )}
    </Card>
  )
}

function Sentence({ change }: { change: Changed }) {
  const { to } = usePlace()
  const { node, metric, now, then, sure } = change
  const name = words.short[metric] ?? metric
  return (
    <li className={classes.sentence} data-sure={sure}>
      <a href={to({ node: node.node, metric })} onClick={follow} aria-label={words.changes.evidence(nameOf(node), name)}>
        {nameOf(node)}
      </a>
      <span className={classes.what}>
        {words.of(name, '')}
        <Trend change={{ ...change.change, care: false }} />
      </span>
      <span className={classes.how}>
        {words.changes.fromTo(format(then.value, then.unit), format(now.value, now.unit))} · {words.changes.sure[sure]} ({words.changes.rows(then.n, now.n)})
      </span>
    </li>
  )
}
