import { createHash } from 'node:crypto';
import { Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import { PROBLEM_MEANINGS } from './docs-problems.js';
import { DOCS_STYLE, DOCS_STYLE_HASH } from './docs-style.js';
import { OPENAPI } from './openapi-document.js';
import { OPERATION_ROWS } from './operations.js';
import { anApp } from './testing-clients.test-support.js';
import { everySource } from './testing-sources.test-support.js';

describe('GET /docs', () => {
  test('has every operation, every schema and every problem, each where links lead to', async () => {
    const { html } = await aPage();

    const anchors = [
      ...OPERATION_ROWS.map(({ id }) => id),
      ...Object.keys(OPENAPI.components.schemas).map((name) => `schema-${name}`),
      ...Object.keys(PROBLEM_MEANINGS).map((kind) => `problem-${kind}`),
    ];
    for (const anchor of anchors) expect(html.split(`id="${anchor}"`), anchor).toHaveLength(2);
    const links = [...html.matchAll(/href="#([^"]+)"/g)].map((found) => found[1] ?? '');
    expect(links.length).toBeGreaterThan(100);
    for (const link of links) expect(html, link).toContain(`id="${link}"`);
  });

  test('says once what every request may be answered with, and of each operation only what is its own', async () => {
    const { html } = await aPage();
    const mentions = (kind: string): number => html.split(`href="#problem-${kind}"`).length - 1;

    expect([mentions('host_refused'), mentions('too_many_connections')]).toEqual([1, 1]);
    expect(mentions('unknown_tunnel')).toBeGreaterThan(3);
    const health = /id="getHealth"[\s\S]*?<\/section>/.exec(html)?.[0];
    expect(health).toContain('How it is.');
    expect(health).not.toContain('#problem-');
  });

  test('loads nothing and runs nothing', async () => {
    const { html, policy } = await aPage();

    expect(html).not.toMatch(/<script|<img|<link|<iframe|@import|url\(|\son\w+=|style="|javascript:/i);
    expect([...html.matchAll(/(?:href|src)="(?!#)([^"]*)"/g)].map((found) => found[1])).toEqual(['/openapi.json']);
    expect(policy).toBe(
      `default-src 'none'; style-src '${DOCS_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
  });

  test('allows its own style by its hash', async () => {
    const { html } = await aPage();
    const hash = `sha256-${createHash('sha256').update(DOCS_STYLE).digest('base64')}`;

    expect(DOCS_STYLE_HASH).toBe(hash);
    expect(html.split(`<style>${DOCS_STYLE}</style>`)).toHaveLength(2);
  });

  test('is written for phones, keyboards and dark rooms', async () => {
    const { html } = await aPage();

    expect(html).toContain('<html lang="en">');
    expect(html).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">');
    expect(html).toContain('prefers-color-scheme:dark');
    expect(html).toMatch(/<a class="skip" href="#text">/);
    const levels = [...html.matchAll(/<h(\d)/g)].map((found) => Number(found[1]));
    for (const [i, level] of levels.entries()) expect(level - (levels[i - 1] ?? 0)).toBeLessThanOrEqual(1);
  });

  test('opens and closes its elements in order', async () => {
    const { html } = await aPage();
    const open: string[] = [];

    for (const [, slash, name = ''] of html.matchAll(/<(\/?)([a-z]+\d?)\b[^>]*>/g)) {
      if (name === 'meta') continue;
      if (slash === '') open.push(name);
      else expect(open.pop()).toBe(name);
    }

    expect(open).toEqual([]);
  });

  test('shows a version with markup in it as text', async () => {
    const { app } = anApp({ ...everySource(), version: '<img src=x onerror=alert(1)>' });

    const html = await (await app.request('/docs')).text();

    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(html).not.toContain('<img');
  });

  test('says where it is mounted', async () => {
    const site = new Hono().route('/gateway', anApp(everySource()).app);

    const html = await (await site.request('/gateway/docs')).text();

    expect(html).toContain('<code>/gateway/health</code>');
    expect(html).toContain('href="/gateway/openapi.json"');
    const described = (await (await site.request('/gateway/openapi.json')).json()) as { servers: unknown };
    expect(described.servers).toEqual([{ url: '/gateway' }]);
  });
});

async function aPage(): Promise<{ html: string; policy: string | null }> {
  const response = await anApp(everySource()).app.request('/docs');
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  return { html: await response.text(), policy: response.headers.get('content-security-policy') };
}
