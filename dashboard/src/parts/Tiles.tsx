import { useQuery } from '@tanstack/react-query'
import type { Definitions } from '../api/client'
import { before, metrics } from '../api/queries'
import { beforeName } from '../format/time'
import { usePlace } from '../useAddress'
import { words } from '../words'
import { Failure } from './Failure'
import { Tile } from './Tile'

/** The five headline metrics of a node. */
export function Tiles({ names, definitions }: { names: string[]; definitions: Definitions | undefined }) {
  const { address, set } = usePlace()
  const { data, error, isPlaceholderData, refetch } = useQuery(metrics(address, address.node, names))
  const ghosts = useQuery(before(address, address.node, names, isPlaceholderData ? undefined : data))
  if (error && !data) return <Failure error={error} retry={() => void refetch()} />
  const answers = data?.metrics
  const window = 'last' in address.window ? address.window.last : `${address.window.from}/${address.window.to}`
  return (
    <section aria-label={words.tile.section} className="tiles" data-stale={isPlaceholderData}>
      {names.map((metric) => (
        <Tile
          key={metric}
          metric={metric}
          title={definitions?.metrics.find((each) => each.id === metric)?.title ?? metric}
          what={`${address.node} ${window} ${address.definition ?? ''}`}
          answer={answers?.[metric]}
          before={ghosts.data?.metrics[metric]?.series ?? []}
          beforeName={beforeName(address.window)}
          onOpen={() => set({ explain: metric })}
        />
      ))}
    </section>
  )
}
