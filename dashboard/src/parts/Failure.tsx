import { ApiProblem } from '../api/client'
import { follow, usePlace } from '../useAddress'
import { words } from '../words'
import { Empty } from './Empty'

/** Why something cannot be shown, and what to do. */
export function Failure({ error, retry }: { error: Error; retry: () => void }) {
  const { to } = usePlace()
  if (error instanceof ApiProblem && (error.status === 404 || error.status === 409)) {
    return (
      <Empty title={words.states.missingTitle} why={error.message}>
        <p>{words.states.missingWhy}</p>
        <p>
          <a href={to({ node: 'group' })} onClick={follow}>
            {words.states.toOverview}
          </a>
        </p>
      </Empty>
    )
  }
  const told = error instanceof ApiProblem ? [error.message, error.fix].filter(Boolean).join('. ') : words.states.failedWhy
  return (
    <div role="alert">
      <Empty title={words.states.failedTitle} why={told}>
        <button type="button" className="button" onClick={retry}>
          {words.states.retry}
        </button>
      </Empty>
    </div>
  )
}
