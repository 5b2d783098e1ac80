/**
 * Registers the service worker of the built site: offline use everywhere, and on hosts that do not send the
 * isolation headers, those too.
 * @param onIsolationReady called once if the page is not isolated but would be after a reload
 */
export function registerServiceWorker(onIsolationReady: () => void): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const { serviceWorker } = navigator;
  serviceWorker.register(new URL('service-worker.js', document.baseURI)).catch(() => {
    // Private windows and some embedded browsers refuse; the app works without.
  });
  if (crossOriginIsolated) return;
  // Under its control already and still not isolated: this browser will not have it, reloading is no use.
  if (serviceWorker.controller) return;
  serviceWorker.addEventListener('controllerchange', onIsolationReady, { once: true });
}
