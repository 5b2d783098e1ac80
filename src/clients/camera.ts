import { cancellation, failed, type Failure, ok, type Result } from '../base/result.ts';
import type { LiveFrame } from '../protocol/engine-api.ts';

export interface Camera {
  readonly id: string;
  /** For people. */
  readonly name: string;
}

/** What models are given is small: more pixels would only take time. */
const idealSize = { width: { ideal: 640 }, height: { ideal: 480 } };

/** Which way a camera looks: at the person, or away; null where the browser does not know. */
export type Facing = 'user' | 'environment' | null;

/** A camera by its id, or whichever looks that way. */
export type WhichCamera = { readonly id: string } | { readonly facing: Exclude<Facing, null> };

/** Pictures on an element. */
export interface Playing {
  readonly facing: Facing;
  readonly stop: () => void;
}

/**
 * Asks for a camera and shows it.
 * @param signal ends the asking: a camera that is allowed later is not shown any more
 * @param onGone called when it stops by itself
 * @returns failures that say whether permission, camera or connection is missing
 */
export async function playCamera(
  video: HTMLVideoElement,
  which: WhichCamera,
  signal: AbortSignal,
  onGone: (failure: Failure) => void,
): Promise<Result<Playing>> {
  // Absent on pages that are not secure.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (devices === undefined) return failed(cameraFailure(isSecureContext ? '' : 'insecure'));
  const wanted = 'id' in which ? { deviceId: { exact: which.id } } : { facingMode: which.facing };
  try {
    const stream = await devices.getUserMedia({ audio: false, video: { ...idealSize, ...wanted } });
    const stop = () => {
      for (const track of stream.getTracks()) track.stop();
      if (video.srcObject === stream) video.srcObject = null;
    };
    if (signal.aborted) {
      stop();
      return failed(cancellation('Starting the camera'));
    }
    const [track] = stream.getVideoTracks();
    // Not told of tracks that are stopped here.
    track?.addEventListener('ended', () => onGone(cameraGone));
    video.srcObject = stream;
    // Whoever shows something else meanwhile interrupts it.
    await video.play().catch(() => {});
    const facing = track?.getSettings().facingMode;
    return ok({ stop, facing: facing === 'user' || facing === 'environment' ? facing : null });
  } catch (thrown) {
    const name = thrown instanceof DOMException ? thrown.name : '';
    return failed(cameraFailure(name, thrown instanceof Error ? thrown.message : ''));
  }
}

/** Shows a video file, over and over. */
export async function playFile(video: HTMLVideoElement, file: File): Promise<Result<Playing>> {
  const url = URL.createObjectURL(file);
  const stop = () => {
    URL.revokeObjectURL(url);
    if (video.src !== url) return;
    video.removeAttribute('src');
    video.load();
  };
  video.src = url;
  try {
    await video.play();
    return ok({ stop, facing: null });
  } catch {
    stop();
    return failed({
      code: 'video-unreadable',
      message: `${file.name} is no video that this browser can play.`,
      hint: 'MP4 with H.264 and WebM play almost everywhere.',
    });
  }
}

const cameraGone: Failure = {
  code: 'camera-gone',
  message: 'The camera stopped giving pictures.',
  hint: 'Connect it again, or choose another.',
};

/** The cameras there are; browsers name them only once one may be used. */
export async function listCameras(): Promise<readonly Camera[]> {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices
    .filter(({ kind, deviceId }) => kind === 'videoinput' && deviceId !== '')
    .map(({ deviceId, label }, at) => ({ id: deviceId, name: label || `camera ${at + 1}` }));
}

/**
 * Why there is no picture.
 * @param name of the exception that browsers throw; `insecure`: the page is not
 * @source W3C Media Capture and Streams, getUserMedia
 */
export function cameraFailure(name: string, detail = ''): Failure {
  switch (name) {
    case 'insecure':
      return {
        code: 'camera-insecure',
        message: 'Browsers give the camera to secure pages only, and this one came over plain HTTP.',
        hint: 'Open the lab’s HTTPS address, or choose a video file.',
      };
    case 'NotAllowedError':
    case 'SecurityError':
      return {
        code: 'camera-refused',
        message: 'The browser may not use the camera: permission was refused here or for this site.',
        hint: 'Allow the camera in the site settings beside the address (on phones in the system’s settings, too), then try again; or choose a video file.',
      };
    case 'NotFoundError':
      return {
        code: 'camera-missing',
        message: 'This device has no camera, or keeps it from the browser.',
        hint: 'Connect one, then try again; a video file does as well.',
      };
    case 'OverconstrainedError':
      return {
        code: 'camera-missing',
        message: 'The chosen camera is not there any more.',
        hint: 'Connect it again, or choose another; a video file does as well.',
      };
    case 'NotReadableError':
    case 'AbortError':
      return {
        code: 'camera-in-use',
        message: 'The camera gives no picture: another program or tab may be using it.',
        hint: 'Close what uses it, then try again.',
      };
    default:
      return {
        code: 'camera-failed',
        message: `The camera could not be started${detail === '' ? '' : `: ${detail}`}.`,
        hint: 'Choose another camera, or a video file.',
      };
  }
}

/**
 * Waits for a picture that was not there before.
 * @param signal ends the waiting
 * @param onWaiting is given what makes do with the picture on show
 * @returns false if it was ended
 */
export function nextPicture(
  video: HTMLVideoElement,
  signal: AbortSignal,
  onWaiting: (makeDo: () => void) => void,
): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const take = () => {
      signal.removeEventListener('abort', stop);
      video.cancelVideoFrameCallback(handle);
      resolve(true);
    };
    const handle = video.requestVideoFrameCallback(take);
    onWaiting(take);
    const stop = () => {
      video.cancelVideoFrameCallback(handle);
      resolve(false);
    };
    signal.addEventListener('abort', stop, { once: true });
  });
}

/** The picture on show, without its pixels being copied or converted here where the browser can do without. */
export async function takeFrame(video: HTMLVideoElement): Promise<LiveFrame> {
  if (typeof VideoFrame !== 'undefined') {
    const frame = new VideoFrame(video);
    // A browser that does not know of a camera's turned pictures would hand them over lying on their side.
    if (frame.displayWidth === video.videoWidth && frame.displayHeight === video.videoHeight) return frame;
    frame.close();
  }
  return createImageBitmap(video);
}

/** The same picture once more. */
export async function copyOf(frame: LiveFrame): Promise<LiveFrame> {
  return 'displayWidth' in frame ? frame.clone() : createImageBitmap(frame);
}
