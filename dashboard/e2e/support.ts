import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { chromium, type Browser, type Page } from 'playwright-core'

const root = join(import.meta.dirname, '../..')

export interface Sample {
  url: string
  stop: () => void
}

const target = process.env['CARGO_TARGET_DIR'] ?? join(root, 'target')

/** A server on a free port with a sample group in it. */
export function sample(...options: string[]): Promise<Sample> {
  return started(process.env['LEADLINE_SAMPLE'] ?? join(target, 'debug/examples/sample'), 'cargo build --workspace --example sample', options)
}

/** The server people run, on a folder of its own that goes with it. */
export async function serve(config: string): Promise<Sample> {
  const folder = mkdtempSync(join(tmpdir(), 'leadline-e2e-'))
  const file = join(folder, 'leadline.toml')
  writeFileSync(file, config)
  const options = ['serve', '--config', file, '--data', join(folder, 'data'), '--listen', '127.0.0.1:0']
  const server = await started(process.env['LEADLINE'] ?? join(target, 'debug/leadline'), 'cargo build --workspace --bin leadline', options)
  return {
    url: server.url,
    stop: () => {
      server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function started(built: string, how: string, options: string[]): Promise<Sample> {
  if (!existsSync(built)) throw new Error(`${built} is missing: run ${how}`)
  const server = spawn(built, options, { stdio: ['ignore', 'pipe', 'inherit'], env: { RUST_LOG: 'warn', ...process.env } })
  const url = await listening(server)
  return { url, stop: () => server.kill('SIGKILL') }
}

function listening(server: ChildProcess): Promise<string> {
  return new Promise((found, failed) => {
    const lines = createInterface({ input: server.stdout! })
    const timer = setTimeout(() => failed(new Error('the server did not start within 90 s')), 90_000)
    lines.on('line', (line) => {
      const url = /^listening on (http:\/\/\S+)/.exec(line)?.[1]
      if (!url) return
      clearTimeout(timer)
      found(url)
    })
    server.once('exit', (code) => failed(new Error(`the server stopped with ${code}`)))
  })
}

export function browser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** A page that fails the test for anything the browser complains about: errors, and breaches of the page's own policy. */
export async function open(from: Browser, url: string, options: { dark?: boolean; calm?: boolean; quiet?: boolean; width?: number; locale?: string } = {}) {
  const context = await from.newContext({
    viewport: { width: options.width ?? 1440, height: 900 },
    colorScheme: options.dark ? 'dark' : 'light',
    reducedMotion: options.calm ? 'reduce' : 'no-preference',
    locale: options.locale ?? 'en-GB',
    timezoneId: 'UTC',
  })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || /Content Security Policy/i.test(message.text())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url())
    if (protocol.startsWith('http') && origin !== new URL(url).origin) complaints.push(`asked ${origin}`)
  })
  await page.goto(url)
  return {
    page,
    complaints,
    close: async () => {
      await context.close()
      if (complaints.length > 0 && !options.quiet) throw new Error(`the browser complained: ${complaints.join('\n')}`)
    },
  }
}

/** The text of a tile's parts with ordinary spaces. */
export async function tile(page: Page, metric: string): Promise<string> {
  const text = await page.locator(`[data-metric="${metric}"]`).innerText()
  return text.replaceAll(/[\u00a0\u202f\s]+/g, ' ')
}

export async function post(url: string, events: unknown): Promise<void> {
  const answer = await fetch(`${url}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer sample-admin-token' },
    body: JSON.stringify(events),
  })
  if (answer.status !== 202) throw new Error(`${answer.status} ${await answer.text()}`)
}
