import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { browser, open, post, sample, tile, type Sample } from './support'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let server: Sample
let chrome: Browser

beforeAll(async () => {
  server = await sample()
  chrome = await browser()
  await post(server.url, workedExample())
})

afterAll(async () => {
  await chrome?.close()
  server?.stop()
})

/** The example of METRICS.md section 8, whose numbers are printed there. */
function workedExample() {
  const deployment = (id: string, component: string, version: string, finished: string, commit: string) => ({
    type: 'deployment', id, product: 'example', component, environment: 'production', status: 'succeeded', version,
    finished_at: `2025-01-${finished}:00:00Z`, commit_at: `2025-01-${commit}:00:00Z`,
  })
  const incident = (id: string, opened: string, resolved?: string) => ({
    type: 'incident', id, product: 'example', opened_at: `2025-01-${opened}:00Z`,
    ...(resolved ? { resolved_at: `2025-01-${resolved}:00Z` } : {}),
  })
  return [
    deployment('C1', 'basket', '1.0.0', '01T12', '01T08'),
    deployment('C2', 'basket', '1.1.0', '03T12', '03T06'),
    deployment('C3', 'basket', '1.2.0', '04T12', '03T12'),
    deployment('K1', 'list', '2.0.0', '02T12', '02T10'),
    { type: 'deployment', id: "K1'", product: 'example', component: 'list', environment: 'production', status: 'succeeded', version: '2.0.0', finished_at: '2025-01-03T00:00:00Z' },
    deployment('K2', 'list', '2.1.0', '06T12', '06T08'),
    deployment('P1', 'till', '3.0.0', '08T12', '08T06'),
    incident('I1', '02T13:00', '02T15:00'),
    incident('I2', '04T00:00', '04T01:00'),
    incident('I3', '04T13:00'),
    incident('I4', '02T12:00', '02T12:30'),
  ]
}

const EXAMPLE = '/node/product:example?from=2025-01-01&to=2025-01-11'

describe('numbers', () => {
  it('are those printed in the worked example', async () => {
    const { page, close } = await open(chrome, server.url + EXAMPLE)
    await page.getByText('66.7').first().waitFor()
    expect(await tile(page, 'deployment_frequency')).toMatch(/4\.2 \/ week.*n = 6\b/)
    expect(await tile(page, 'lead_time')).toMatch(/5 h .*n = 6\b/)
    expect(await tile(page, 'change_failure_rate')).toMatch(/66\.7 %.*n = 6\b/)
    expect(await tile(page, 'failed_deployment_recovery_time')).toMatch(/13 h .*n = 3 · .*75 % of failures used/)
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('example')
    await page.selectOption('select >> nth=0', 'rex')
    await page.getByText('6 h 47 min').first().waitFor()
    expect(await tile(page, 'deployment_frequency')).toMatch(/3\.5 \/ week/)
    expect(new URL(page.url()).searchParams.get('definition')).toBe('rex')
    await close()
  })

  it('of the group are those of its rows', async () => {
    const { page, close } = await open(chrome, server.url)
    await page.locator('[data-metric="rework_rate"]').getByText('n =').waitFor()
    const from = new Date(Math.floor(Date.now() / 60_000 + 1) * 60_000 - 30 * 86_400_000)
    const asked = await fetch(`${server.url}/api/v1/deployments?from=${from.toISOString()}&limit=1000`)
    const { deployments } = (await asked.json()) as { deployments: { counted: boolean }[] }
    const counted = deployments.filter((row) => row.counted).length
    expect(counted).toBeGreaterThan(50)
    const perDay = counted / 30
    const said = perDay >= 0.9995 ? `${perDay.toFixed(1)} / day` : `${(perDay * 7).toFixed(1)} / week`
    expect(await tile(page, 'deployment_frequency')).toContain(`Deployment frequency ${said}`)
    expect(await tile(page, 'deployment_frequency')).toContain(`n = ${counted} `)
    for (const metric of ['deployment_frequency', 'lead_time', 'change_failure_rate']) {
      expect(await tile(page, metric)).toMatch(/(than|as) .*the 30 days before/)
    }
    await close()
  })

  it('say why they are missing and what to do', async () => {
    const { page, close } = await open(chrome, `${server.url}/node/product:example`)
    await page.locator('[data-metric="lead_time"]').getByText('N/A').waitFor()
    expect(await tile(page, 'lead_time')).toMatch(/N\/A Nothing was deployed here/)
    await page.getByText('No incident in this window').waitFor()
    await close()
  })
})

describe('what changed most', () => {
  it('says how sure it is and leads to the evidence', async () => {
    // Ten times as fast in ten days of February as in the ten before, twelve deployments each.
    const moved = (day: number, hours: number) => ({
      type: 'deployment', id: `moved ${day}`, product: 'moved', component: 'moved', environment: 'production', status: 'succeeded', version: `1.${day}.0`,
      finished_at: new Date(Date.UTC(2025, 0, 22) + day * 72_000_000).toISOString(),
      commit_at: new Date(Date.UTC(2025, 0, 22) + day * 72_000_000 - hours * 3_600_000).toISOString(),
    })
    await post(server.url, Array.from({ length: 24 }, (_, day) => moved(day, day < 12 ? 50 : 5)))
    const { page, close } = await open(chrome, `${server.url}/?from=2025-02-01&to=2025-02-11`)
    const card = page.getByRole('region', { name: 'What changed most' })
    const first = card.getByRole('listitem').first()
    await first.waitFor()
    const text = (await first.innerText()).replaceAll(/[\u00a0\u202f\s]+/g, ' ')
    expect(text).toContain('moved Change lead time: 90 % faster than the window before from 2 d 2 h to 5 h · hardly chance (n = 12, then 12)')
    await card.getByText(/looked at/).waitFor()
    const name = await first.getByRole('link').innerText()
    await first.getByRole('link').click()
    await page.getByRole('heading', { level: 1, name }).waitFor()
    const { pathname, searchParams } = new URL(page.url())
    expect([pathname, searchParams.get('metric'), searchParams.get('from')]).toEqual(['/node/product:moved', 'lead_time', '2025-02-01'])
    await close()
  })

  it('says that there is nothing before', async () => {
    const { page, close } = await open(chrome, `${server.url}/?from=2025-01-01&to=2025-01-11`)
    await page.getByText('There is nothing to compare with').waitFor()
    await close()
  })
})

describe('the quarters of a node', () => {
  it('show how values lie, in a chart and in the table behind it', async () => {
    const { page, close } = await open(chrome, server.url + EXAMPLE)
    const card = page.getByRole('region', { name: 'Distribution' })
    await card.getByRole('img', { name: /^Change lead time of the changes used/ }).waitFor()
    const drawn = (await card.innerText()).replaceAll(/[\u00a0\u202f\s]+/g, ' ')
    expect(drawn).toContain('median 5 h')
    expect(drawn).toContain('6 rows: too few to have a shape.')
    await page.keyboard.press('t')
    const table = card.getByRole('region', { name: /^Change lead time of the changes used/ })
    await table.waitFor()
    const counts = await table.locator('tbody td:nth-child(3)').allInnerTexts()
    expect(counts.map(Number).reduce((sum, n) => sum + n, 0)).toBe(6)
    await close()
  })

  it('show what failed with its cause, and lead to the explanation', async () => {
    const { page, close } = await open(chrome, server.url + EXAMPLE)
    const card = page.getByRole('region', { name: 'Stability' })
    await card.getByText('4 incidents').waitFor()
    await card.getByText('4 failed deployments').waitFor()
    await card.getByRole('listitem').getByText(/1\sh after list 2\.0\.0\./).first().waitFor()
    await card.getByRole('link', { name: /Incident, example I1/ }).click()
    await page.getByRole('dialog').getByText('3 of 4 incidents used').waitFor()
    expect(new URL(page.url()).searchParams.get('explain')).toBe('time_to_restore')
    await close()
  })

  it('show what is below on one scale, and say what is not measured', async () => {
    const { page, close } = await open(chrome, server.url + EXAMPLE)
    const card = page.getByRole('region', { name: 'Components side by side' })
    await card.getByRole('group', { name: /^Each of its components/ }).waitFor()
    expect((await card.locator('svg a').allTextContents()).length).toBe(3)
    const stages = page.getByRole('region', { name: 'Where the time goes' })
    await stages.getByText(/^Not known here\. No pull request is known/).waitFor()
    await card.locator('svg a').first().click()
    await page.getByRole('heading', { level: 1, name: 'basket' }).waitFor()
    await close()
  })

  it('give their numbers and pictures as files', async () => {
    const { page, close } = await open(chrome, server.url + EXAMPLE)
    await page.getByRole('region', { name: 'Components side by side' }).locator('svg').waitFor()
    for (const card of ['Flow', 'Stability', 'Distribution', 'Components side by side', 'Evolution']) {
      for (const kind of ['CSV', 'PNG']) {
        const file = page.waitForEvent('download')
        await page.getByRole('button', { name: `${kind}: ${card}` }).click()
        const saved = await file
        expect(saved.suggestedFilename()).toMatch(new RegExp(`^leadline-product-example-.*\\.${kind.toLowerCase()}$`))
        const bytes = readFileSync(await saved.path())
        if (kind === 'CSV') expect(bytes.toString().split('\r\n').length).toBeGreaterThan(2)
        else expect([bytes.subarray(1, 4).toString(), bytes.length > 2_000]).toEqual(['PNG', true])
      }
    }
    await close()
  })
})

describe('a phone', () => {
  it.each(['/', '/node/product:shop', '/?show=tables', '/node/product:shop?lang=fr'])('%s is as wide as its screen', async (place) => {
    const { page, close } = await open(chrome, server.url + place, { width: 390 })
    await page.locator('[data-metric="rework_rate"]').getByText('n =').waitFor()
    await page.waitForFunction(() => document.querySelector('.skeleton') === null)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
    await close()
  })
})

describe('French', () => {
  it('comes with the browser, and goes with the address', async () => {
    const { page, close } = await open(chrome, server.url + EXAMPLE, { locale: 'fr-FR' })
    await page.locator('[data-metric="lead_time"]').getByText('n =').waitFor()
    expect(await tile(page, 'deployment_frequency')).toMatch(/Fréquence de déploiement 4,2 \/ semaine.*n = 6\b/)
    expect(await tile(page, 'change_failure_rate')).toMatch(/66,7 %/)
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('fr')
    await page.getByText('du 1 janv. 2025').or(page.getByText('1 janv. 2025 – 10 janv. 2025')).first().waitFor()
    await page.getByRole('link', { name: 'English' }).click()
    await page.getByText('Deployment frequency').first().waitFor()
    expect(new URL(page.url()).searchParams.get('lang')).toBe('en')
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('en')
    await close()
  })

  it('says why a number is missing', async () => {
    const { page, close } = await open(chrome, `${server.url}/node/product:example?lang=fr`)
    await page.locator('[data-metric="lead_time"]').getByText('s. o.').waitFor()
    expect(await tile(page, 'lead_time')).toMatch(/Rien n’a été déployé ici/)
    await close()
  })
})

describe('a tile', () => {
  it('explains itself', async () => {
    const { page, close } = await open(chrome, server.url + EXAMPLE)
    await page.locator('[data-metric="failed_deployment_recovery_time"]').click()
    const drawer = page.getByRole('dialog')
    await drawer.getByText('3 of 4 failures used').waitFor()
    const text = (await drawer.innerText()).replaceAll(/[\u00a0\u202f]/g, ' ')
    expect(text).toContain('Median of the time from the end of a failed deployment')
    expect(text).toContain('Not resolved so far, and no rollback or hotfix followed.')
    expect(text).toContain('1 d 0 h 30 min'.slice(0, 3))
    expect(text).toContain('FROM deployments')
    expect(new URL(page.url()).searchParams.get('explain')).toBe('failed_deployment_recovery_time')
    await page.keyboard.press('Escape')
    await drawer.waitFor({ state: 'hidden' })
    expect(new URL(page.url()).searchParams.has('explain')).toBe(false)
    const focused = await page.evaluate(() => document.activeElement?.getAttribute('data-metric'))
    expect(focused).toBe('failed_deployment_recovery_time')
    await close()
  })
})

describe('the open page', () => {
  it('shows a new event within two seconds', { retry: 2 }, async () => {
    const { page, close } = await open(chrome, `${server.url}/node/product:points`)
    await page.getByText(/^live, /).waitFor()
    await page.locator('[data-metric="deployment_frequency"]').getByText('n =').waitFor()
    const count = async () => Number(/n = (\d+)/.exec(await tile(page, 'deployment_frequency'))?.[1])
    const before = await count()
    const sent = Date.now()
    const version = `99.0.${sent}`
    await post(server.url, {
      type: 'deployment', id: version, product: 'points', component: 'points', environment: 'production', status: 'succeeded',
      version, finished_at: new Date(sent - 1000).toISOString(), commit_at: new Date(sent - 3_600_000).toISOString(),
    })
    await page.getByText(version).waitFor({ timeout: 2_000 })
    await expect.poll(count, { timeout: Math.max(1, 2_000 - (Date.now() - sent)), interval: 20 }).toBe(before + 1)
    console.log(`shown after ${Date.now() - sent} ms`)
    await close()
  })

  it('says when it is not live, and comes back by itself', async () => {
    const first = await sample()
    const { page, close } = await open(chrome, first.url, { quiet: true })
    await page.getByText(/^live, /).waitFor()
    await page.locator('[data-metric="deployment_frequency"]').getByText('n =').waitFor()
    first.stop()
    await page.getByText('not live: trying again').waitFor()
    expect(await tile(page, 'deployment_frequency')).toMatch(/n = \d+/)
    const second = await sample('--empty', '--listen', new URL(first.url).host)
    try {
      await page.getByText(/^live, /).waitFor({ timeout: 20_000 })
      // What it knew is gone with it, and the page says so.
      await page.getByText('No event has arrived yet').waitFor()
    } finally {
      second.stop()
    }
    await close()
  })
})

describe('the address', () => {
  it('brings back what was seen', async () => {
    const link = `${server.url}/node/domain:Risk?window=90d&definition=rex&metric=lead_time&bucket=month&zone=Europe/Paris&theme=dark&show=tables`
    const { page, close } = await open(chrome, link)
    await page.getByRole('heading', { level: 1, name: 'Risk' }).waitFor()
    await page.getByRole('region', { name: /^Change lead time by month, the last 90 days/ }).waitFor()
    expect(await page.getByRole('button', { name: '90 d', exact: true }).getAttribute('aria-pressed')).toBe('true')
    expect(await page.locator('select').nth(0).inputValue()).toBe('rex')
    expect(await page.locator('select').nth(1).inputValue()).toBe('Europe/Paris')
    expect(await page.evaluate(() => document.documentElement.dataset['mantineColorScheme'])).toBe('dark')
    expect(await page.title()).toBe('Risk · Leadline')
    await close()
  })

  it('follows choices, and the browser goes back', async () => {
    const { page, close } = await open(chrome, server.url)
    await page.getByRole('row', { name: /Commerce/ }).getByRole('button').click()
    await page.getByRole('row', { name: /Storefront/ }).getByRole('link').click()
    await page.getByRole('heading', { level: 1, name: 'Storefront' }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/node/domain:Storefront')
    await page.getByRole('button', { name: '90 d', exact: true }).click()
    await page.getByText('the 90 days before').first().waitFor()
    await page.goBack()
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
    await close()
  })

  it('of no node says so', async () => {
    const { page, close } = await open(chrome, `${server.url}/node/product:nowhere`)
    await page.getByText('There is no such node').waitFor()
    await page.getByRole('link', { name: 'To the overview' }).click()
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
    await close()
  })
})

describe('the keyboard', () => {
  it('finds a node, goes home, and shows tables', async () => {
    const { page, close } = await open(chrome, server.url)
    await page.locator('[data-metric="lead_time"]').getByText('n =').waitFor()
    await page.keyboard.press('/')
    const box = page.getByRole('combobox', { name: 'Find a node' })
    await box.waitFor()
    await page.keyboard.type('frau')
    await page.getByRole('option', { name: /^fraud/ }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'fraud' }).waitFor()
    await box.waitFor({ state: 'hidden' })
    await page.keyboard.press('t')
    await page.getByRole('region', { name: /^Deployment frequency by week/ }).waitFor()
    await page.keyboard.press('t')
    await page.getByRole('img', { name: /^Deployment frequency by week/ }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('o')
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement !== document.body)).toBe(true)
    await close()
  })
})

describe('the table of the tree', () => {
  it('sorts and opens', async () => {
    const { page, close } = await open(chrome, server.url)
    const names = () => page.locator('tbody th a').allInnerTexts()
    await page.getByRole('row', { name: /Mobility/ }).waitFor()
    expect((await names()).slice(0, 4)).toEqual(['Commerce', 'Media', 'Mobility', 'Payments'])
    await page.getByRole('columnheader', { name: 'Deployment frequency' }).getByRole('button').click()
    const answer = (await (await fetch(`${server.url}/api/v1/tree?from=30d`)).json()) as { nodes: { level: string; name: string; metrics: Record<string, { value: number | null }> }[] }
    const expected = answer.nodes
      .filter((node) => node.level === 'platform' && node.metrics['deployment_frequency']?.value != null)
      .toSorted((a, b) => (b.metrics['deployment_frequency']?.value ?? 0) - (a.metrics['deployment_frequency']?.value ?? 0))
      .map((node) => node.name)
    expect((await names()).slice(0, expected.length)).toEqual(expected)
    expect(await page.getByRole('columnheader', { name: 'Deployment frequency' }).getAttribute('aria-sort')).toBe('descending')
    await close()
  })
})

describe('everybody can use it', () => {
  const places = ['/', '/node/product:shop', `${EXAMPLE}&explain=lead_time`, '/?show=tables', `${EXAMPLE}&show=tables`, '/node/product:shop?window=90d&lang=fr']
  it.each(places.flatMap((place) => [[place, false], [place, true]] as const))('%s, dark: %s', async (place, dark) => {
    const { page, close } = await open(chrome, server.url + place, { dark, calm: true })
    await page.locator('[data-metric="rework_rate"]').getByText('n =').waitFor()
    if (place.includes('explain')) await page.getByRole('dialog').getByText('SQL').first().waitFor()
    else await page.getByRole(place.includes('tables') ? 'region' : 'img', { name: /^(Deployment frequency|Fréquence de déploiement)/ }).waitFor()
    await page.waitForFunction(() => document.querySelector('.skeleton') === null)
    await page.evaluate(axe)
    const found = await page.evaluate(async () => {
      const run = (window as unknown as { axe: { run: (options: object) => Promise<{ violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[] }> } }).axe
      const { violations } = await run.run({ resultTypes: ['violations'] })
      return violations.map((each) => `${each.impact} ${each.id}: ${each.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`).join(' | ')}`)
    })
    expect(found).toEqual([])
    await close()
  })

  it('in the dark when they prefer it', async () => {
    const { page, close } = await open(chrome, server.url, { dark: true })
    await page.locator('[data-metric="lead_time"]').waitFor()
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    expect(await background()).toBe('rgb(15, 20, 24)')
    await page.getByRole('button', { name: 'Light theme' }).click()
    await expect.poll(background).toBe('rgb(246, 247, 248)')
    await close()
  })
})

describe('files', () => {
  it('have the right headers, and a missing one is missing', async () => {
    const index = await fetch(server.url)
    const html = await index.text()
    expect(index.headers.get('content-security-policy')).toMatch(/default-src 'none'; script-src 'self';/)
    expect(index.headers.get('cache-control')).toBe('no-cache')
    const script = /src="(\/assets\/[^"]+\.js)"/.exec(html)?.[1] ?? ''
    const asset = await fetch(server.url + script)
    expect(asset.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect(asset.headers.get('cache-control')).toContain('immutable')
    const again = await fetch(server.url + script, { headers: { 'if-none-match': asset.headers.get('etag') ?? '' } })
    expect(again.status).toBe(304)
    for (const missing of ['/assets/index-0000.js', '/assets/../index.html.js', '/nowhere', '/node']) {
      const answer = await fetch(server.url + missing)
      expect([missing, answer.status, answer.headers.get('content-type')]).toEqual([missing, 404, 'application/json'])
    }
    const page = await fetch(`${server.url}/node/component:shop/cart`)
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  })
})

describe('a server that wants a token', () => {
  it('gets it once for the tab, also for the stream', async () => {
    const closed = await sample('--closed', '--empty')
    try {
      const { page, close } = await open(chrome, closed.url, { quiet: true })
      await page.getByRole('heading', { name: 'A token is needed' }).waitFor()
      await page.getByLabel('Token').fill('wrong')
      await page.keyboard.press('Enter')
      await page.getByRole('alert').getByText(/does not take this token/).waitFor()
      await page.getByLabel('Token').fill('sample-read-token')
      await page.keyboard.press('Enter')
      await page.getByText('No event has arrived yet').waitFor()
      await page.getByText(/^live, /).waitFor()
      await post(closed.url, { type: 'deployment', id: '1', product: 'p', component: 'c', environment: 'production', status: 'succeeded', finished_at: new Date().toISOString() })
      await page.locator('[data-metric="deployment_frequency"]').waitFor({ timeout: 4_000 })
      expect(await page.evaluate(() => [localStorage.length, sessionStorage.length])).toEqual([0, 1])
      await page.reload()
      await page.locator('[data-metric="deployment_frequency"]').waitFor()
      await close()
    } finally {
      closed.stop()
    }
  })
})
