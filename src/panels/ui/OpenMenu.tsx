import { DropdownMenu } from 'radix-ui';
import panel from '../panel.module.css';
import type { MenuProps } from './Menu.tsx';

/** A menu that opens as soon as it is there. Not modal: modal menus inject styles, which the security policy refuses. */
export function OpenMenu({ trigger, entries }: MenuProps) {
  return (
    <DropdownMenu.Root modal={false} defaultOpen>
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
