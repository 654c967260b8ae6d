import { useQuery } from '@tanstack/react-query'
import type { Definitions, Tree } from '../api/client'
import { ApiProblem } from '../api/client'
import { metrics } from '../api/queries'
import { date, windowName } from '../format/time'
import { childrenOf, find, headline, nameOf } from '../model'
import { BandMark } from '../parts/BandMark'
import { Changes } from '../parts/Changes'
import { Children } from '../parts/Children'
import { Evolution } from '../parts/Evolution'
import { Explain } from '../parts/Explain'
import { Flow } from '../parts/Flow'
import { Failure } from '../parts/Failure'
import { LatestDeployments, LatestIncidents } from '../parts/Lists'
import { Spread } from '../parts/Spread'
import { Stability } from '../parts/Stability'
import { Tiles } from '../parts/Tiles'
import { TreeTable } from '../parts/TreeTable'
import { follow, usePlace } from '../useAddress'
import { words } from '../words'
import { FirstEvent } from './FirstEvent'

interface Props {
  tree: Tree
  definitions: Definitions | undefined
  stale: boolean
}

/** The group at `/`, any other node at `/node/…`: one head, then what there is below and what happened last. */
export function Page({ tree, definitions, stale }: Props) {
  const { address, to } = usePlace()
  const node = find(tree, address.node)
  const names = headline(tree)
  // What is below the head is asked for once the head is there.
  const head = useQuery({ ...metrics(address, address.node, names), enabled: node !== undefined && node.level !== 'group' })
  if (!node) {
    const missing = new ApiProblem(404, 'not_found', `“${address.node}”`)
    return <Failure error={missing} retry={() => {}} />
  }
  const group = node.level === 'group'
  if (group && tree.nodes.length === 1) return <FirstEvent />
  const below = childrenOf(tree, node.node).length > 0
  const spread = <Spread key={`spread ${node.node}`} names={names} definitions={definitions} />
  return (
    <>
      <div className="page-head">
        <h1>{group ? words.rail.overview : nameOf(node)}</h1>
        {!group && <span className="page-level">{words.level[node.level]}</span>}
        {node.team && (
          <span className="page-level">
            {words.page.ownedBy}{' '}
            <a href={to({ node: `team:${node.team}` })} onClick={follow}>
              {node.team}
            </a>
          </span>
        )}
        {node.overall && <BandMark band={node.overall} overall />}
        <span className="page-window">{windowName(address.window, address.zone)}</span>
      </div>
      {tree.kept_from && <p className="kept">{words.page.keptFrom(date(tree.kept_from, 'UTC'))}</p>}
      <Tiles names={names} definitions={definitions} />
      <div className="columns">
        <Evolution key={node.node} tree={tree} definitions={definitions} of={group ? 'children' : 'self'} />
        {group && <Changes tree={tree} stale={stale} definitions={definitions} />}
        {!group && head.data === undefined && <div className="skeleton" style={{ height: 640 }} />}
        {!group && head.data !== undefined && (
          <div className="quarters">
            <div>
              <Flow key={`flow ${node.node}`} definitions={definitions} />
              {below && spread}
            </div>
            <div>
              <Stability key={`stability ${node.node}`} definitions={definitions} />
              {childrenOf(tree, node.node).length > 0 && (
              <Children key={`children ${node.node}`} tree={tree} metric={names.includes(address.metric) ? address.metric : (names[0] ?? address.metric)} definitions={definitions} />
              )}
            </div>
          </div>
        )}
        {(group || below) && (
          <TreeTable key={`tree ${node.node}`} tree={tree} definitions={definitions} stale={stale} />
        )}
        {!group && (
          <div className="halves">
            <LatestDeployments key={`deployments ${node.node}`} definitions={definitions} />
            <LatestIncidents key={`incidents ${node.node}`} />
          </div>
        )}
      </div>
      <Explain definitions={definitions} nodeName={group ? words.bar.group.toLowerCase() : nameOf(node)} />
    </>
  )
}
