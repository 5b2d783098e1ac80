import type { Page } from '@playwright/test';

const blankPath = '/blank-page';

const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** Opens an empty page on the dev server, without the app; cross-origin isolated unless told otherwise. */
export async function openBlankPage(page: Page, { isolated = true } = {}): Promise<void> {
  await page.route(`**${blankPath}`, (route) =>
    route.fulfill({
      contentType: 'text/html',
      headers: isolated ? isolation : {},
      body: '<!doctype html><title>modules</title>',
    }),
  );
  await page.goto(blankPath);
}

type Scenarios = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>;

/**
 * Runs an exported function of a module in the page, as the app would run it.
 * @param path of the module on the dev server; its type is `Module`
 */
export async function runInPage<Module extends Scenarios, Name extends keyof Module & string>(
  page: Page,
  path: string,
  name: Name,
  ...args: Parameters<Module[Name]>
): Promise<Awaited<ReturnType<Module[Name]>>> {
  const result = await page.evaluate(
    async ([modulePath, functionName, given]) => {
      const module = (await import(modulePath)) as Record<string, (...args: unknown[]) => Promise<unknown>>;
      return module[functionName]?.(...given);
    },
    [path, name as string, args as unknown[]] as const,
  );
  return result as Awaited<ReturnType<Module[Name]>>;
}
