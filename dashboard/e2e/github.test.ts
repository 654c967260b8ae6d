import { createHmac, randomUUID } from 'node:crypto'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { browser, open, serve, tile, type Sample } from './support'

/** A repository tells its story by signed webhooks while the page is open: what comes in is seen without a reload. */

const SECRET = 'the secret of both'
const HOUR = 3_600_000
const now = Math.floor(Date.now() / 1000) * 1000

let server: Sample
let chrome: Browser

beforeAll(async () => {
  server = await serve(
    `[read]\nanonymous_networks = ["127.0.0.0/8"]\n\n[[sources]]\nname = "github"\nkind = "github"\nsecret = "${SECRET}"\n`,
  )
  chrome = await browser()
})

afterAll(async () => {
  await chrome?.close()
  server?.stop()
})

async function send(event: string, body: object): Promise<void> {
  const text = JSON.stringify({ ...body, repository: { id: 7, full_name: 'acme/cart', default_branch: 'main', pushed_at: now / 1000 } })
  const answer = await fetch(`${server.url}/webhooks/github`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-event': event,
      'x-github-delivery': randomUUID(),
      'x-hub-signature-256': `sha256=${createHmac('sha256', SECRET).update(text).digest('hex')}`,
    },
    body: text,
  })
  expect(answer.status, await answer.text()).toBe(200)
}

/** So many hours ago, as GitHub writes it. */
const ago = (hours: number) => new Date(now - hours * HOUR).toISOString().replace('.000', '')
const sha = (letter: string) => letter.repeat(40)

function push(before: string, after: string, hours: number) {
  const commit = { id: sha(after), timestamp: ago(hours), message: 'Sell faster', author: { name: 'Ada' }, added: [], removed: [], modified: ['a.rs'] }
  return send('push', { ref: 'refs/heads/main', before: sha(before), after: sha(after), created: before === '0', forced: false, commits: [commit], head_commit: commit })
}

function checks(commit: string, hours: number) {
  return send('workflow_run', {
    action: 'completed',
    workflow_run: {
      id: commit.charCodeAt(0), run_attempt: 1, name: 'CI', head_branch: 'main', head_sha: sha(commit), event: 'push', status: 'completed',
      conclusion: 'success', run_started_at: ago(hours + 0.2), created_at: ago(hours + 0.2), updated_at: ago(hours),
    },
  })
}

async function deploy(id: number, commit: string, hours: number) {
  const deployment = {
    id, sha: sha(commit), ref: 'main', task: 'deploy', environment: 'production', payload: {}, creator: { login: 'ada', type: 'User' },
    created_at: ago(hours + 0.1), updated_at: ago(hours + 0.1),
  }
  await send('deployment', { action: 'created', deployment })
  for (const [state, at] of [['in_progress', hours + 0.05], ['success', hours]] as const) {
    await send('deployment_status', { action: 'created', deployment, deployment_status: { state, environment: 'production', created_at: ago(at), updated_at: ago(at) } })
  }
}

function issue(action: string, opened: number, closed?: number) {
  return send('issues', {
    action,
    issue: {
      number: 7, title: 'Nobody can pay', state: closed === undefined ? 'open' : 'closed', labels: [{ name: 'incident' }, { name: 'sev1' }],
      created_at: ago(opened), updated_at: ago(closed ?? opened), closed_at: closed === undefined ? null : ago(closed),
    },
  })
}

/** Until a tile reads so; says how long it took from the last answer of the server. */
async function seen(page: Page, metric: string, wanted: RegExp): Promise<void> {
  const since = performance.now()
  const deadline = since + 20_000
  let text = ''
  while (performance.now() < deadline) {
    text = await tile(page, metric)
    if (wanted.test(text)) {
      console.log(`${metric}: on the page ${Math.round(performance.now() - since)} ms after the server took the last event`)
      return
    }
    await page.waitForTimeout(20)
  }
  expect(text).toMatch(wanted)
}

it('shows on the open page what a repository sends, signed, to a fresh server', async () => {
  const { page, close } = await open(chrome, server.url)
  await page.getByText('/webhooks/github').first().waitFor()

  await push('0', 'a', 30)
  await checks('a', 29.5)
  await deploy(1, 'a', 28)
  await page.locator('[data-metric="lead_time"]').waitFor()
  await seen(page, 'lead_time', /Change lead time 2 h .*n = 1\b/)

  await push('a', 'b', 10)
  await checks('b', 9.5)
  await deploy(2, 'b', 6)
  await seen(page, 'lead_time', /Change lead time 3 h .*n = 2\b/)
  expect(await tile(page, 'change_failure_rate')).toMatch(/Change failure rate 0 %.*n = 2\b/)

  await issue('opened', 5)
  await seen(page, 'change_failure_rate', /Change failure rate 50 ?\.?0? ?%/)
  expect(await tile(page, 'failed_deployment_recovery_time')).toMatch(/N\/A/)

  // From the end of the failed deployment to the end of the incident.
  await issue('closed', 5, 1)
  await seen(page, 'failed_deployment_recovery_time', /recovery time 5 h .*n = 1\b/)
  await close()
}, 120_000)

it('tells where the time went once the pull request and the jobs are known', async () => {
  await pullRequest()
  await job('b', 'compile', 9.7, 9.6)
  await job('b', 'unit tests', 9.6, 9.5)
  const { page, close } = await open(chrome, `${server.url}/node/product:unassigned`)
  const flow = page.getByRole('region', { name: 'Flow', exact: true })
  const stages = flow.getByRole('region', { name: 'Where the time goes' })
  await stages.waitFor()
  const text = async () => (await stages.textContent())?.replaceAll(/[\u00a0\u202f\s]+/g, ' ')
  await expect.poll(text).toMatch(/waiting for review ?30 min.*review ?30 min.*merge to deployment ?4 h.*Longest: merge to deployment/)
  // Nobody told of its branch.
  expect(await text()).not.toContain('coding')
  expect((await flow.getByRole('region', { name: 'In the pipeline' }).textContent())?.replaceAll(/[\u00a0\u202f\s]+/g, ' ')).toMatch(/build ?6 min.*test ?6 min/)
  const severities = page.getByRole('region', { name: 'Time to restore by severity' })
  expect((await severities.textContent())?.replaceAll(/[\u00a0\u202f\s]+/g, ' ')).toMatch(/critical ?4 h/)
  // Each bar leads to its rows.
  await stages.getByRole('link', { name: /^merge to deployment/ }).click()
  const drawer = page.getByRole('dialog')
  await drawer.getByText('acme/cart#7').waitFor()
  expect(await drawer.textContent()).toContain('from the merge of a pull request to the end of the deployment')
  await close()
}, 60_000)

/** Squashed onto the main branch as `b`, half an hour after somebody looked at it. */
async function pullRequest(): Promise<void> {
  const told = (updated: number, merged: boolean) => ({
    number: 7, state: merged ? 'closed' : 'open', title: 'Sell faster', created_at: ago(11), updated_at: ago(updated), merged_at: merged ? ago(10) : null,
    closed_at: merged ? ago(10) : null, merged, merge_commit_sha: merged ? sha('b') : null, commits: 1, user: { login: 'ada', type: 'User' }, labels: [],
    head: { ref: 'topic', sha: sha('e') }, base: { ref: 'main' },
  })
  await send('pull_request_review', {
    action: 'submitted', pull_request: told(10.5, false), review: { state: 'approved', submitted_at: ago(10.5), user: { login: 'bob', type: 'User' } },
  })
  await send('pull_request', { action: 'closed', number: 7, pull_request: told(10, true) })
}

function job(commit: string, name: string, from: number, to: number) {
  return send('workflow_job', {
    action: 'completed',
    workflow_job: {
      id: name.length, run_id: commit.charCodeAt(0), run_attempt: 1, workflow_name: 'CI', name, head_branch: 'main', head_sha: sha(commit),
      status: 'completed', conclusion: 'success', created_at: ago(from), started_at: ago(from), completed_at: ago(to),
    },
  })
}
