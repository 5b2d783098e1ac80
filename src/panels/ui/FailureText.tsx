import type { Failure } from '../../base/result.ts';
import { capitalized } from '../../base/units.ts';
import panel from '../panel.module.css';

/** A failure for people: what, where, what to do. All of it is text, never markup. */
export function FailureText({ failure }: { readonly failure: Failure }) {
  return (
    <>
      <p>{sentence(failure.message)}</p>
      {failure.where && <p className={`${panel.dim} ${panel.small}`}>Where: {failure.where}</p>}
      {failure.hint && <p>{sentence(failure.hint)}</p>}
    </>
  );
}

/** A failure in a box, where it belongs to something on screen. */
export function Problem({ failure }: { readonly failure: Failure }) {
  return (
    <div className={panel.problem} role="alert">
      <FailureText failure={failure} />
    </div>
  );
}

function sentence(text: string): string {
  // Names of files, fields and values stay as they are.
  const beginsWithWord = /^[a-z]+[\s,;]/.test(text);
  const begun = beginsWithWord ? capitalized(text) : text;
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}
