/** A worker's first message: whoever is granted this Web Lock knows that the worker is gone. */
export interface LifeSign {
  readonly kind: 'life-sign';
  readonly lockName: string;
}
