import { type ComponentProps, type ReactNode, useId, useRef, useState } from 'react';
import styles from './controls.module.css';
import { useDraft } from './use-draft.ts';

type ButtonLook = 'plain' | 'primary' | 'ghost' | 'link';

/** Joins class names, leaving out what is not there. */
export function classes(...names: (string | false | null | undefined)[]): string {
  return names.filter(Boolean).join(' ');
}

interface ButtonProps extends ComponentProps<'button'> {
  readonly look?: ButtonLook;
  readonly big?: boolean;
}

export function Button({ look = 'plain', big = false, className, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      className={classes(styles.button, look !== 'plain' && styles[look], big && styles.big, className)}
      {...rest}
    />
  );
}

/** A button that is only an icon; `label` is its accessible name and tooltip. */
export function IconButton({
  label,
  className,
  ...rest
}: ComponentProps<'button'> & { readonly label: string }) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className={classes(styles.icon, className)}
      {...rest}
    />
  );
}

export function Chip({ className, ...rest }: ComponentProps<'button'>) {
  return <button type="button" className={classes(styles.chip, className)} {...rest} />;
}

interface SelectProps<T extends string> {
  readonly value: T;
  readonly options: readonly { readonly value: T; readonly label: string; readonly disabled?: boolean }[];
  readonly onChange: (value: T) => void;
  /** Accessible name where no visible label stands beside it. */
  readonly label?: string;
  readonly id?: string;
  readonly className?: string | undefined;
}

/** The platform's own select: the best picker under a thumb, and nothing to script. */
export function Select<T extends string>({ value, options, onChange, label, id, className }: SelectProps<T>) {
  return (
    <select
      id={id}
      aria-label={label}
      className={classes(styles.select, className)}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value as T)}
    >
      {options.map((option) => (
        <option key={option.value} value={option.value} disabled={option.disabled}>
          {option.label}
        </option>
      ))}
    </select>
  );
}

/** A label with a select on one line. */
export function SelectField<T extends string>({
  title,
  ...select
}: Omit<SelectProps<T>, 'label' | 'id'> & { readonly title: string }) {
  const id = useId();
  return (
    <label className={styles.field} htmlFor={id}>
      <span>{title}</span>
      <Select id={id} {...select} />
    </label>
  );
}

interface NumberFieldProps {
  readonly title: string;
  readonly value: number;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number | 'any';
  readonly onChange: (value: number) => void;
}

/**
 * A number that is taken over when it is complete (Enter or leaving the field), so that typing makes one undo step;
 * what is no such number is told and not taken over.
 */
export function NumberField({ title, value, onChange, ...limits }: NumberFieldProps) {
  const [text, setText] = useDraft(String(value));
  const [refused, setRefused] = useState<string | null>(null);
  const commit = (field: HTMLInputElement) => {
    const typed = field.valueAsNumber;
    const isRefused = !Number.isFinite(typed) || !field.checkValidity();
    setRefused(isRefused ? `found ${field.value || 'no number'}, wanted ${rangeText(limits)}` : null);
    if (isRefused) setText(String(value));
    else if (typed !== value) onChange(typed);
  };
  const label = (
    <label className={styles.field}>
      <span>{title}</span>
      <input
        type="number"
        inputMode="decimal"
        className={classes(styles.input, styles.number)}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onBlur={(event) => commit(event.currentTarget)}
        onKeyDown={(event) => event.key === 'Enter' && commit(event.currentTarget)}
        {...limits}
      />
    </label>
  );
  return (
    <div>
      {label}
      {refused !== null && (
        <p className={styles.refused} role="alert">
          {title}: {refused}
        </p>
      )}
    </div>
  );
}

function rangeText({ min, max, step = 1 }: Pick<NumberFieldProps, 'min' | 'max' | 'step'>): string {
  const kind = step === 'any' ? 'a number' : step === 1 ? 'a whole number' : `a number in steps of ${step}`;
  const from = min === undefined ? '' : ` from ${min}`;
  return `${kind}${from}${max === undefined ? '' : ` up to ${max}`}`;
}

export function TextInput({ className, ...rest }: ComponentProps<'input'>) {
  return <input className={classes(styles.input, className)} {...rest} />;
}

export function CheckField({
  title,
  checked,
  onChange,
}: {
  readonly title: ReactNode;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
}) {
  return (
    <label className={styles.check}>
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>{title}</span>
    </label>
  );
}

/** A share in [0, 1], or null while the total is unknown. */
export function ProgressBar({ share, label }: { readonly share: number | null; readonly label: string }) {
  const percent = share === null ? null : Math.round(100 * Math.min(1, Math.max(0, share)));
  return (
    <div
      className={styles.bar}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent ?? undefined}
    >
      <div style={{ transform: `scaleX(${(percent ?? 35) / 100})` }} />
    </div>
  );
}

interface FileButtonProps {
  readonly children: ReactNode;
  readonly accept?: string;
  readonly multiple?: boolean;
  readonly folder?: boolean;
  readonly look?: ButtonLook;
  readonly onFiles: (files: File[]) => void;
}

/** A button that opens the file picker. */
export function FileButton({ children, accept, multiple, folder, look, onFiles }: FileButtonProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button look={look ?? 'plain'} onClick={() => input.current?.click()}>
        {children}
      </Button>
      <input
        ref={input}
        type="file"
        hidden
        aria-hidden="true"
        tabIndex={-1}
        accept={accept}
        multiple={multiple}
        {...(folder ? { webkitdirectory: '' } : {})}
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])];
          // Picking the same file again must count as a change.
          event.currentTarget.value = '';
          if (files.length > 0) onFiles(files);
        }}
      />
    </>
  );
}
