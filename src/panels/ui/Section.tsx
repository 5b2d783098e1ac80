import { type ReactNode, useId } from 'react';
import panel from '../panel.module.css';

/** A titled part of a panel, with small tools on the right of its title. */
export function Section({
  title,
  tools,
  children,
}: {
  readonly title: string;
  readonly tools?: ReactNode;
  readonly children: ReactNode;
}) {
  const id = useId();
  return (
    <section className={panel.section} aria-labelledby={id}>
      <div className={panel.head}>
        <h2 id={id}>{title}</h2>
        {tools && <div className={panel.tools}>{tools}</div>}
      </div>
      {children}
    </section>
  );
}
