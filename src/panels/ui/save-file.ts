/** Offers bytes to the user as a download under this name. */
export function saveFile(name: string, content: Blob | string, mediaType = 'application/octet-stream'): void {
  const blob = typeof content === 'string' ? new Blob([content], { type: mediaType }) : content;
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name.replace(/[/\\:*?"<>|\p{Cc}]+/gu, '-');
  link.click();
  // The download starts after this turn; it holds the blob itself once started.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
