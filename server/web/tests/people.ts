// What every test starts from: a server, and people with browsers of their own. A test fails when any page of it logs
// an error or breaks its Content-Security-Policy.

import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type BrowserContextOptions, type Locator, type Page } from '@playwright/test';
import { Link } from './link';
import { Server } from './server';

export interface Person {
  readonly page: Page;
  readonly link: Link;
  readonly field: Locator;
  say(text: string): Promise<void>;
  message(text: string | RegExp): Locator;
}

interface Fixtures {
  /** Of the server, as on its command line. */
  readonly flags: string;
  readonly server: Server;
  readonly troubles: string[];
  /** A browser of one's own; `visit` leaves the sign-in to the test. */
  readonly visit: (options?: BrowserContextOptions) => Promise<Person>;
  readonly enter: (name: string, room: string, options?: BrowserContextOptions) => Promise<Person>;
}

/** What browsers log by themselves while a server cannot be reached. */
const NETWORK = /net::ERR_|WebSocket connection to|Failed to load resource/;

export const test = base.extend<Fixtures>({
  flags: ['', { option: true }],
  server: async ({ flags }, use) => {
    const server = await Server.start(flags.split(' ').filter(Boolean));
    await use(server);
    await server.kill();
  },
  // eslint-disable-next-line no-empty-pattern -- the form that Playwright asks for
  troubles: async ({}, use) => {
    const troubles: string[] = [];
    await use(troubles);
    expect(troubles).toEqual([]);
  },
  visit: async ({ browser, server, troubles }, use) => {
    const links: Link[] = [];
    await use(async (options) => {
      const link = await Link.open(server.port);
      links.push(link);
      const context = await browser.newContext({ ...options, baseURL: link.url });
      await context.addInitScript(() => {
        addEventListener('securitypolicyviolation', (event) => {
          console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
        });
      });
      const page = await context.newPage();
      page.on('pageerror', (error) => troubles.push(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error' && !NETWORK.test(message.text())) troubles.push(message.text());
      });
      return person(page, link);
    });
    for (const link of links) link.close();
  },
  enter: async ({ visit }, use) => {
    await use(async (name, room, options) => {
      const somebody = await visit(options);
      await somebody.page.goto(`/#/${room}`);
      await somebody.page.getByLabel('Your name').fill(name);
      await somebody.page.keyboard.press('Enter');
      await expect(somebody.page.getByRole('region', { name: `Messages in ${room}` })).toBeVisible();
      return somebody;
    });
  },
});

function person(page: Page, link: Link): Person {
  const field = page.getByRole('textbox', { name: /^Message to/ });
  return {
    page,
    link,
    field,
    async say(text) {
      await field.fill(text);
      await field.press('Enter');
    },
    message: (text) => page.getByRole('article').filter({ hasText: text }),
  };
}

/** No rule of accessibility is broken by what the page shows once it has come to rest: colours on their way are nobody's choice. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const ends = (animation: Animation) => Number.isFinite(Number(animation.effect?.getComputedTiming().endTime));
    await Promise.allSettled(
      document
        .getAnimations()
        .filter(ends)
        .map((animation) => animation.finished),
    );
  });
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`)).toEqual([]);
}

export { expect };
