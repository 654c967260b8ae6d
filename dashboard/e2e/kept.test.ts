import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { browser, open, serve, type Sample } from './support'

// The server people run, that keeps deployments for thirty days.
let server: Sample
let chrome: Browser

beforeAll(async () => {
  server = await serve([
    '[ingest]\nanonymous_networks = ["127.0.0.0/8"]',
    '[read]\nanonymous_networks = ["127.0.0.0/8"]',
    '[warehouse]\ntidy_every_s = 1',
    '[retention]\ndeployments_days = 30\n',
  ].join('\n\n'))
  chrome = await browser()
})

afterAll(async () => {
  await chrome?.close()
  server?.stop()
})

const long = '?from=2020-01-01&to=2020-02-01'

describe('a window that begins before what is kept', () => {
  it('says so above the numbers, and one within does not', async () => {
    const deployment = { type: 'deployment', id: '1', product: 'shop', component: 'cart', environment: 'production', status: 'succeeded' }
    const finished_at = new Date(Date.now() - 3_600_000).toISOString()
    const taken = await fetch(`${server.url}/api/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...deployment, finished_at }),
    })
    expect(taken.status).toBe(202)
    const kept = async () => (await (await fetch(`${server.url}/api/v1/tree?from=2020-01-01T00:00:00Z`)).json()).kept_from
    await expect.poll(kept, { timeout: 60_000 }).toBeTypeOf('string')
    const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' }).format(new Date(await kept()))

    const { page, close } = await open(chrome, `${server.url}/${long}`)
    await page.getByText(`This window begins before ${day}.`).waitFor()
    await page.goto(`${server.url}/?window=7d`)
    await page.locator('[data-metric="deployment_frequency"]').waitFor()
    expect(await page.getByText(/This window begins before/).count()).toBe(0)
    await close()
  })
})
