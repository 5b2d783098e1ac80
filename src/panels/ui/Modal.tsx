import { type ReactNode, useEffect, useId, useRef } from 'react';
import styles from './Modal.module.css';
import { classes, IconButton } from './controls.tsx';
import { CloseIcon } from './icons.tsx';

interface ModalProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly narrow?: boolean;
  /** As much of the page as there is. */
  readonly wide?: boolean;
  readonly children: ReactNode;
}

/**
 * A modal over the platform's own `<dialog>`: focus trap, Escape and inertness come with it, and unlike
 * script libraries it injects no style element, which the content security policy refuses.
 */
export function Modal({ title, onClose, narrow = false, wide = false, children }: ModalProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={titleId}
      className={classes(styles.modal, narrow && styles.narrow, wide && styles.wide)}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      // A press on the backdrop lands on the dialog element itself.
      onPointerDown={(event) => event.target === event.currentTarget && onClose()}
    >
      <div className={styles.head}>
        <h2 id={titleId}>{title}</h2>
        <IconButton label="Close" onClick={onClose}>
          <CloseIcon />
        </IconButton>
      </div>
      {/* A tab stop, so that the keyboard can scroll what does not fit. */}
      <div className={styles.body} tabIndex={0}>
        {children}
      </div>
    </dialog>
  );
}
