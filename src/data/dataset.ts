/**
 * Images and their labels. All image bytes of a dataset lie in one `pack` blob (kept in OPFS, handed to
 * engine workers for free); an item is a range of it.
 */
export interface Dataset {
  /** Hash of the content; names the dataset in studies. */
  readonly id: string;
  readonly name: string;
  readonly items: readonly DatasetItem[];
  /** Class names by label; empty if unlabelled or unnamed. */
  readonly classNames: readonly string[];
  /** Colours of classes by label as `red << 16 | green << 8 | blue`, where a file lists them. */
  readonly classColours?: readonly number[];
  /** Where the labels came from, for people: `folders`, `labels.csv`, `IDX`, or none. */
  readonly labelSource: 'folders' | 'csv' | 'idx' | 'masks' | 'none';
  readonly warnings: readonly string[];
  /** Size of the first image, for guesses; null if its header does not tell. */
  readonly imageSize?: ImageSize | null;
  /** What the masks hold; left out where no image has one. */
  readonly masks?: MaskFacts;
}

/** What the masks of a dataset hold, told when it was opened. */
export interface MaskFacts {
  /** Classes that occur, ascending. */
  readonly classes: readonly number[];
  /**
   * The value of each class where values are not classes themselves: colours as `red << 16 | green << 8 | blue`, or
   * 0 and 255 of masks of two classes; null: values are classes.
   */
  readonly codes: readonly number[] | null;
  /** The values are colours. */
  readonly isColoured: boolean;
  /** Classes are those of a file that lists them: values that it lacks have no class. */
  readonly isListed?: true;
}

/** A mask: a PNG whose pixels are classes, as a range of the pack. */
export interface MaskRange {
  readonly name: string;
  readonly offset: number;
  readonly length: number;
}

export interface ImageSize {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

export interface DatasetItem {
  /** Path inside the archive or folder, or `#17` for IDX. */
  readonly name: string;
  /** 0-based class index; null: unlabelled. */
  readonly label: number | null;
  /** The class of each pixel; left out where there is none. */
  readonly mask?: MaskRange;
  /** Range in the pack. */
  readonly offset: number;
  readonly length: number;
  readonly encoding:
    | {
        readonly kind: 'encoded';
        readonly mediaType:
          | 'image/jpeg'
          | 'image/png'
          | 'image/webp'
          | 'image/gif'
          | 'image/bmp'
          | 'image/avif';
      }
    /** Row-major, channels interleaved, 8 bits each. */
    | { readonly kind: 'pixels'; readonly width: number; readonly height: number; readonly channels: 1 | 3 };
}

/** Decoded pixels, row-major, RGBA interleaved, 8 bits each. */
export interface DecodedImage {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8ClampedArray | Uint8Array;
}
