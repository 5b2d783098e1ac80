import type { Page } from '@playwright/test';

/** An empty page without the app, which servers of modules have at this path. */
export const blankPage = { path: '/blank-page', html: '<!doctype html><title>modules</title>' } as const;

/** Opens the empty page of a modules' server; cross-origin isolated, as the server says, unless told otherwise. */
export async function openBlankPage(page: Page, { isolated = true } = {}): Promise<void> {
  const { path, html: body } = blankPage;
  // While anything is routed, every request takes the way through the test.
  if (!isolated)
    await page.route(`**${path}`, (route) => route.fulfill({ contentType: 'text/html', headers: {}, body }));
  await page.goto(path);
}

type Scenarios = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>;

/**
 * Runs an exported function of a module in the page, as the app would run it.
 * @param path of the module on its server; its type is `Module`
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
