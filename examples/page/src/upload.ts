import { wrapPromise } from 'asyncio-ts';

/** Sends a file. `fetch` does not tell how much it has sent, an `XMLHttpRequest` does. */
export async function upload(url: string, file: File, onProgress: (share: number) => void): Promise<void> {
  const request = new XMLHttpRequest();
  const sent = new Promise<void>((resolve, reject) => {
    request.upload.onprogress = ({ lengthComputable, loaded, total }) => {
      if (lengthComputable) onProgress(loaded / total); // not so for an empty file, whose share would be NaN
    };
    request.onerror = () => reject(new Error(`${file.name} could not be sent`));
    request.onload = () => {
      if (request.status < 300) resolve();
      else reject(new Error(`${file.name} was refused: ${request.status}`));
    };
  });
  request.open('PUT', url);
  request.send(file);
  await wrapPromise(sent, { onCancel: () => request.abort() });
  onProgress(1);
}
