import type { Definitions, MetricAnswer, Value } from '../api/client'
import { words } from '../words'

/** Why there is no value, in the reader's language where its words are known, else in the server's. */
export function reasonText(answer: Pick<MetricAnswer, 'reason' | 'reason_text'>): string | null {
  return (answer.reason ? words.reasons[answer.reason] : undefined) ?? answer.reason_text ?? answer.reason
}

export function reasonOf(value: Pick<Value, 'reason'> | undefined, definitions: Definitions | undefined): string | undefined {
  const reason = value?.reason
  if (!reason) return undefined
  return words.reasons[reason] ?? definitions?.reasons.find((each) => each.id === reason)?.doc
}
