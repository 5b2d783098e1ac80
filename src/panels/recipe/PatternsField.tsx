import { useId } from 'react';
import { TextInput } from '../ui/controls.tsx';
import controls from '../ui/controls.module.css';
import { useDraft } from '../ui/use-draft.ts';

interface PatternsFieldProps {
  readonly title: string;
  readonly patterns: readonly string[];
  readonly onChange: (patterns: readonly string[]) => void;
}

/** Node names or patterns with `*`, separated by commas; taken over when the field is left or Enter pressed. */
export function PatternsField({ title, patterns, onChange }: PatternsFieldProps) {
  const id = useId();
  const shown = patterns.join(', ');
  const [text, setText] = useDraft(shown);
  const commit = () => {
    const names = text
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '');
    if (names.join(', ') !== shown) onChange(names);
  };
  return (
    <label className={controls.field} htmlFor={id}>
      <span>{title}</span>
      <TextInput
        id={id}
        value={text}
        placeholder="nodes, e.g. conv1, head/*"
        onChange={(event) => setText(event.currentTarget.value)}
        onBlur={commit}
        onKeyDown={(event) => event.key === 'Enter' && commit()}
      />
    </label>
  );
}
