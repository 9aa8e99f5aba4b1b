// Uploads a file as the documentation of tus-js-client says: node upload.cjs ENDPOINT TOKEN FILE CHUNK_BYTES
const fs = require("node:fs");
const tus = require("tus-js-client");

const [endpoint, token, path, chunkBytes] = process.argv.slice(2);

const upload = new tus.Upload(fs.createReadStream(path), {
  endpoint,
  chunkSize: Number(chunkBytes) || Infinity,
  retryDelays: [0, 200, 500, 1000, 2000],
  headers: { Authorization: `Bearer ${token}` },
  metadata: { uploadType: "items", filename: "items.csv", filetype: "text/csv" },
  uploadDataDuringCreation: process.argv[6] === "during-creation",
  urlStorage: new tus.FileUrlStorage(`${path}.urls`),
  onError(error) {
    console.error(String(error));
    process.exit(1);
  },
  onProgress(sent) {
    fs.writeFileSync(`${path}.sent`, String(sent));
  },
  onAfterResponse(request, response) {
    console.log(request.getMethod(), response.getStatus(), response.getHeader("Location") ?? "");
  },
});
upload.findPreviousUploads().then((previous) => {
  if (previous.length > 0) upload.resumeFromPreviousUpload(previous[0]);
  upload.start();
});
