import { Slot } from 'radix-ui';
import { type ReactNode, Suspense, useState } from 'react';
import { lazyPart } from './lazy-part.tsx';

export interface MenuEntry {
  readonly label: string;
  /** A second, quiet line: what it does, or why it cannot be chosen. */
  readonly note?: string | undefined;
  readonly disabled?: boolean;
  readonly onSelect: () => void;
}

export interface MenuProps {
  /** One element that takes a button's properties. */
  readonly trigger: ReactNode;
  readonly entries: readonly MenuEntry[];
}

const loading = () => import('./OpenMenu.tsx');

/** What places a menu is as much script as the graph's, so it is loaded when somebody is about to open one. */
const OpenMenu = lazyPart(async () => (await loading()).OpenMenu);

/** A button with a menu. */
export function Menu({ trigger, entries }: MenuProps) {
  const [wasOpened, setOpened] = useState(false);
  const prepare = () => void loading().catch(() => {});
  const closed = (
    <Slot.Root
      aria-haspopup="menu"
      aria-expanded={false}
      onPointerEnter={prepare}
      onFocus={prepare}
      onClick={() => setOpened(true)}
      onKeyDown={(event) => event.key === 'ArrowDown' && setOpened(true)}
    >
      {trigger}
    </Slot.Root>
  );
  if (!wasOpened) return closed;
  return (
    <Suspense fallback={closed}>
      <OpenMenu trigger={trigger} entries={entries} />
    </Suspense>
  );
}
