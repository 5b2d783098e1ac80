import { DropdownMenu } from 'radix-ui';
import type { ReactNode } from 'react';
import panel from '../panel.module.css';

export interface MenuEntry {
  readonly label: string;
  /** A second, quiet line: what it does, or why it cannot be chosen. */
  readonly note?: string | undefined;
  readonly disabled?: boolean;
  readonly onSelect: () => void;
}

/** A button (`trigger`, one element) with a menu. Not modal: modal menus inject styles, which the security policy refuses. */
export function Menu({
  trigger,
  entries,
}: {
  readonly trigger: ReactNode;
  readonly entries: readonly MenuEntry[];
}) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className={panel.menu} align="end" sideOffset={4} collisionPadding={8}>
          {entries.map(({ label, note, disabled = false, onSelect }) => (
            <DropdownMenu.Item key={label} className={panel.menuItem} disabled={disabled} onSelect={onSelect}>
              <span>{label}</span>
              {note !== undefined && <span className={`${panel.dim} ${panel.small}`}>{note}</span>}
            </DropdownMenu.Item>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
