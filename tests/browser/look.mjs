// Looks at the HTML report in a real browser: node tests/browser/look.mjs CHROMIUM FOLDER REPORT.html...
//
// For each report, at phone and desktop width, light and dark: a picture in FOLDER, nothing wider than the screen, no text too
// small to read, no mistake in the console, nothing fetched; search, filter and grouping do what they say. One browser serves all.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [program, folder, ...reports] = process.argv.slice(2);
const profile = mkdtempSync(join(tmpdir(), 'look-'));
const browser = spawn(
  program,
  ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--remote-debugging-pipe', `--user-data-dir=${profile}`, 'about:blank'],
  { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
);
const patience = setTimeout(() => { browser.kill('SIGKILL'); console.error('the browser took too long'); process.exit(1); }, 120_000);

let next = 1;
const waiting = new Map();
const listeners = [];
let buffer = '';
browser.stdio[4].on('data', (bytes) => {
  buffer += bytes;
  let end;
  while ((end = buffer.indexOf('\0')) >= 0) {
    const message = JSON.parse(buffer.slice(0, end));
    buffer = buffer.slice(end + 1);
    if (message.id) {
      const { resolve, reject } = waiting.get(message.id);
      waiting.delete(message.id);
      message.error ? reject(new Error(message.error.message)) : resolve(message.result);
    } else {
      for (const listener of listeners) listener(message);
    }
  }
});
const send = (method, params = {}, sessionId) =>
  new Promise((resolve, reject) => {
    const id = next++;
    waiting.set(id, { resolve, reject });
    browser.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + '\0');
  });

const faults = [];
const { targetInfos } = await send('Target.getTargets');
const { sessionId } = await send('Target.attachToTarget', { targetId: targetInfos.find((one) => one.type === 'page').targetId, flatten: true });
const page = (method, params) => send(method, params, sessionId);
const evaluate = async (expression) => {
  const { result, exceptionDetails } = await page('Runtime.evaluate', { expression, returnByValue: true });
  if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
  return result.value;
};
let loaded = () => {};
listeners.push(({ method, params }) => {
  if (method === 'Page.loadEventFired') loaded();
  if (method === 'Network.requestWillBeSent' && !/^(file|about|data):/.test(params.request.url)) faults.push(`fetches ${params.request.url}`);
  if (method === 'Runtime.exceptionThrown') faults.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
  if (method === 'Log.entryAdded' && params.entry.level === 'error') faults.push(params.entry.text);
});
for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await page(`${domain}.enable`);
mkdirSync(folder, { recursive: true });

const expect = (holds, what) => { if (!holds) faults.push(what); };
const SHOWN = `[...document.querySelectorAll('article')].filter((card) => card.offsetParent !== null).length`;
const type = (text) => `(() => { const box = document.querySelector('input[type=search]'); box.value = ${JSON.stringify(text)}; box.dispatchEvent(new Event('input', { bubbles: true })); })()`;

for (const report of reports) {
  const name = basename(report, '.html');
  for (const [screen, width, height] of [['phone', 390, 844], ['desktop', 1280, 900]]) {
    await page('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: screen === 'phone' });
    for (const scheme of ['light', 'dark']) {
      await page('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
      const ready = new Promise((resolve) => { loaded = resolve; });
      await page('Page.navigate', { url: pathToFileURL(resolve(report)).href });
      await ready;
      const at = `${name} ${screen} ${scheme}`;
      expect((await evaluate('document.documentElement.scrollWidth')) <= width, `${at}: wider than the screen`);
      const dark = await evaluate(`getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).reduce((sum, one) => sum + Number(one), 0) < 200`);
      expect(dark === (scheme === 'dark'), `${at}: the colours are not ${scheme}`);
      expect(await evaluate(`[...document.querySelectorAll('p, div, li, td, h1, h2, h3, code, label')].every((one) => one.offsetParent === null || parseFloat(getComputedStyle(one).fontSize) >= 11)`), `${at}: text too small`);
      // Text against its ground, by the contrast of WCAG.
      const pale = await evaluate(`(() => {
        const light = (color) => color.match(/[\\d.]+/g).slice(0, 3).map((one) => one / 255).map((one) => (one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)).reduce((sum, one, index) => sum + one * [0.2126, 0.7152, 0.0722][index], 0);
        const ground = (one) => { for (; one; one = one.parentElement) { const color = getComputedStyle(one).backgroundColor; if (!/, 0\\)$|transparent/.test(color) && color.startsWith('rgb')) return color; } return 'rgb(255, 255, 255)'; };
        return [...document.querySelectorAll('h1, h2, h3, p, .meta, .dim, .error, .warning, .note, summary, a, code')].filter((one) => one.offsetParent !== null && one.textContent.trim() && !one.closest('.hidden-finding, pre') && one.tagName !== 'ARTICLE').filter((one) => { const [a, b] = [light(getComputedStyle(one).color), light(ground(one))].sort((x, y) => y - x); return (a + 0.05) / (b + 0.05) < 4.5; }).map((one) => one.className + ' ' + one.textContent.trim().slice(0, 30)).slice(0, 3);
      })()`);
      expect(pale.length === 0, `${at}: too pale: ${pale.join('; ')}`);
      const { cssContentSize } = await page('Page.getLayoutMetrics');
      const clip = { x: 0, y: 0, width, height: Math.min(Math.ceil(cssContentSize.height), 4200), scale: 1 };
      const { data } = await page('Page.captureScreenshot', { format: 'png', clip, captureBeyondViewport: true });
      writeFileSync(join(folder, `${name}-${screen}-${scheme}.png`), Buffer.from(data, 'base64'));
    }
  }
  // What the controls do.
  const all = await evaluate(SHOWN);
  expect(all > 3, `${name}: ${all} findings shown`);
  await evaluate(type('plaintext-storage'));
  const some = await evaluate(SHOWN);
  expect(some > 0 && some < all, `${name}: the search shows ${some} of ${all}`);
  await evaluate(type('no such text anywhere'));
  expect((await evaluate(SHOWN)) === 0 && (await evaluate(`document.querySelector('.nothing').offsetParent !== null`)), `${name}: nothing found is not told`);
  await evaluate(type(''));
  await evaluate(`document.querySelector('input[data-severity=error]').click()`);
  expect((await evaluate(SHOWN)) < all && (await evaluate(`[...document.querySelectorAll('article.error')].every((card) => card.offsetParent === null)`)), `${name}: the filter of errors`);
  await evaluate(`document.querySelector('input[data-severity=error]').click()`);
  for (const group of ['clause', 'page', 'rule']) {
    await evaluate(`(() => { const list = document.querySelector('select'); list.value = ${JSON.stringify(group)}; list.dispatchEvent(new Event('input', { bubbles: true })); })()`);
    expect((await evaluate(SHOWN)) === all && (await evaluate(`document.querySelectorAll('.list > h2').length`)) > 1, `${name}: grouping by ${group}`);
  }
  expect(await evaluate(`document.querySelectorAll('article pre mark').length > 0 && document.querySelectorAll('ol.trace li').length > 0`), `${name}: frames and traces`);
  expect(await evaluate(`document.querySelectorAll('svg path').length > 0`), `${name}: the picture of flows`);
}
const gone = new Promise((resolve) => browser.once('exit', resolve));
send('Browser.close').catch(() => {});
await gone;
clearTimeout(patience);
rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exit(1);
}
console.log(`browser: ${reports.length} reports looked at, pictures in ${folder}`);
