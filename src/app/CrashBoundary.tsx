import { Component, type ReactNode } from 'react';
import { toFailure } from '../base/result.ts';
import { Button } from '../panels/ui/controls.tsx';
import styles from './CrashBoundary.module.css';

interface CrashBoundaryProps {
  readonly children: ReactNode;
}

interface CrashBoundaryState {
  /** What a component threw; null while all is well. */
  readonly thrown: unknown;
}

/** Shows what a bug broke instead of an empty page; React offers this for classes only. */
export class CrashBoundary extends Component<CrashBoundaryProps, CrashBoundaryState> {
  override state: CrashBoundaryState = { thrown: null };

  static getDerivedStateFromError(thrown: unknown): CrashBoundaryState {
    return { thrown };
  }

  override render(): ReactNode {
    const { thrown } = this.state;
    if (thrown === null) return this.props.children;
    return (
      <div className={styles.crash} role="alert">
        <h1>Something broke in the lab itself</h1>
        <p>{toFailure(thrown).message}</p>
        <p>Models, images and studies are kept on this device.</p>
        <div>
          <Button look="primary" big onClick={() => this.setState({ thrown: null })}>
            Try to go on
          </Button>{' '}
          <Button big onClick={() => location.reload()}>
            Reload the page
          </Button>
        </div>
      </div>
    );
  }
}
