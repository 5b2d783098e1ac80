import { useEffect } from 'react';
import { formatBytes } from '../../base/units.ts';
import { chooseThreads } from '../../clients/capabilities.ts';
import { useLab } from '../../store/lab.ts';
import type { Environment } from '../../study/trial.ts';
import panel from '../panel.module.css';
import { Modal } from '../ui/Modal.tsx';
import { FormsCard } from './FormsCard.tsx';
import { KeptList } from './KeptList.tsx';

/** Plainly what this device offers, and why it matters. */
export function DeviceDialog({ onClose }: { readonly onClose: () => void }) {
  const environment = useLab((lab) => lab.environment);
  const isRunning = useLab((lab) => lab.run !== null);
  const detectDevice = useLab((lab) => lab.detectDevice);
  // Storage fills and adapters come and go; but nothing may disturb a measurement.
  useEffect(() => void (isRunning || detectDevice()), [isRunning, detectDevice]);
  return (
    <Modal title="This device" narrow onClose={onClose}>
      {environment ? <Offers environment={environment} /> : <p>Looking at this device …</p>}
      {environment && <FormsCard environment={environment} />}
      <KeptList />
    </Modal>
  );
}

function Offers({ environment }: { readonly environment: Environment }) {
  const { wasm, webgpu, webnn, storage, signals } = environment;
  const threads = chooseThreads(environment);
  const isolated = environment.crossOriginIsolated;
  return (
    <div className={panel.stack}>
      <Offer
        good={isolated}
        title={isolated ? 'Isolated page' : 'Not isolated'}
        text={
          isolated
            ? 'Threads, the fine timer and shared memory are available.'
            : 'Without isolation inference runs on one thread and the timer is coarse. It needs HTTPS (or localhost) and the headers COOP and COEP; on a static host reload once, the service worker adds them.'
        }
      />
      <Offer
        good={wasm.threads}
        title={`${environment.hardwareConcurrency} cores, ${threads === 1 ? 'one thread' : `${threads} threads`} by default`}
        text="More threads than cores make inference slower. Choose the number under Run."
      />
      <Offer
        good={wasm.simd}
        title={`WebAssembly${wasm.simd ? ' with SIMD' : ' without SIMD'}${wasm.threads ? ' and threads' : ''}`}
        text={`Runs every model on the CPU; its memory can grow to ${formatBytes(wasm.maxHeapBytes)}.`}
      />
      {webgpu.available ? (
        <Offer
          good={!webgpu.isFallback}
          title={`WebGPU: ${webgpu.adapter}`}
          text={`${webgpu.isFallback ? 'A software adapter: good for checking, not for speed. ' : ''}${
            webgpu.shaderF16 ? 'Computes in 16-bit floats.' : 'No 16-bit floats (shader-f16).'
          } Buffers up to ${formatBytes(webgpu.maxBufferBytes)}.`}
        />
      ) : (
        <Offer good={false} title="No WebGPU" text={webgpu.reason} />
      )}
      {webnn.available ? (
        <Offer
          good
          title={`WebNN: ${webnn.devices.join(', ')}`}
          text="Neural accelerators through the browser."
        />
      ) : (
        <Offer good={false} title="No WebNN" text={webnn.reason} />
      )}
      <Offer
        good={environment.timerResolutionUs < 50}
        title={`Timer of ${Math.round(environment.timerResolutionUs)} µs`}
        text="The smallest difference between two times that this page can see."
      />
      {storage && (
        <Offer
          good={storage.persisted}
          title={`Storage: ${formatBytes(storage.usedBytes)} of ${formatBytes(storage.quotaBytes)} used`}
          text={
            storage.persisted
              ? 'Kept until you delete it.'
              : 'The browser may delete it when the device runs full; installing the app or a bookmark usually makes it permanent.'
          }
        />
      )}
      {signals && (
        <>
          <Offer
            good={signals.battery.available}
            title={signals.battery.available ? 'Battery' : 'No battery level'}
            text={
              signals.battery.available
                ? 'Its level and the charger are noted while a study runs.'
                : signals.battery.reason
            }
          />
          <Offer
            good={signals.pressure.available}
            title={signals.pressure.available ? 'CPU pressure' : 'No CPU pressure'}
            text={
              signals.pressure.available
                ? 'When the browser calls the CPU overloaded is noted while a study runs.'
                : signals.pressure.reason
            }
          />
        </>
      )}
      <dl className={`${panel.facts} ${panel.small}`}>
        <dt>Memory</dt>
        <dd>
          {environment.deviceMemoryGb === null ? 'not told' : `at least ${environment.deviceMemoryGb} GB`}
        </dd>
        <dt>Platform</dt>
        <dd>{environment.platform}</dd>
        <dt>Browser</dt>
        <dd>{environment.userAgent}</dd>
        <dt>ONNX Runtime Web</dt>
        <dd>{environment.runtimeVersion}</dd>
        <dt>Paretoscope</dt>
        <dd>{environment.appVersion}</dd>
      </dl>
    </div>
  );
}

function Offer({
  good,
  title,
  text,
}: {
  readonly good: boolean;
  readonly title: string;
  readonly text: string;
}) {
  return (
    <div className={panel.card} style={{ borderLeft: `4px solid var(${good ? '--good' : '--warn'})` }}>
      <strong>{title}</strong>
      <p className={`${panel.dim} ${panel.small} ${panel.wrapAnywhere}`}>{text}</p>
    </div>
  );
}
