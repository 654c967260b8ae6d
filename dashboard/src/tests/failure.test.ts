import { describe, expect, it } from 'vitest'
import type { Deployment } from '../api/client'
import { ruleOf, signalsOf, type Failure } from '../failure'

const dora: Failure = {
  signals: ['incident', 'rollback', 'hotfix', 'revert', 'manual'],
  window_s: 604_800,
  incident_at: 'started_at',
  incident_scope: 'narrowest',
  closed_incidents_only: false,
  incident_max_age_s: null,
}
const row = (part: object) => ({ status: 'succeeded', kind: 'code', manual_failed: null, ...part }) as unknown as Deployment

describe('why a deployment failed', () => {
  it('follows the rule of the definition', () => {
    const blamed = row({ incidents_started_narrowest: 0, incidents_opened_product: 1, open_incidents_opened_product: 1 })
    const rex: Failure = { ...dora, signals: ['incident'], incident_at: 'opened_at', incident_scope: 'product', closed_incidents_only: true }
    expect(ruleOf(rex)).toBe('opened_product')
    expect(signalsOf(blamed, dora)).toEqual([])
    expect(signalsOf(blamed, rex)).toEqual([])
    expect(signalsOf(blamed, { ...rex, closed_incidents_only: false })).toEqual(['incident'])
  })

  it('counts signals up to the window', () => {
    expect(signalsOf(row({ rollback_delay_s: 604_800, hotfix_delay_s: 604_801 }), dora)).toEqual(['rollback'])
    expect(signalsOf(row({ status: 'failed' }), { ...dora, signals: ['deploy_failed'] })).toEqual(['deploy_failed'])
  })

  it('believes a person above every signal', () => {
    expect(signalsOf(row({ rollback_delay_s: 60, manual_failed: false }), dora)).toEqual([])
    expect(signalsOf(row({ manual_failed: true }), dora)).toEqual(['manual'])
  })
})
